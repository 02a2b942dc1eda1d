"""``import pictree`` is light, and its names are there when they are asked for."""

from __future__ import annotations

import doctest
import subprocess
import sys
from importlib.metadata import version

import pytest

import pictree
from pictree.estimators import autoencoder, clusterer, tree


def test_import_loads_nothing_heavy() -> None:
    heavy = {"torch", "sklearn", "polars", "numpy", "scipy", "matplotlib", "PIL"}
    code = f"import sys, pictree; dir(pictree); print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_public_name_is_found_and_listed() -> None:
    for name in pictree.__all__:
        assert getattr(pictree, name) is not None
        assert name in dir(pictree)
    assert pictree.__version__ == version("pictree")
    assert pictree.ImageClusterer is clusterer.ImageClusterer


def test_all_errors_of_the_package_are_public() -> None:
    from pictree import errors

    kinds = {k for k, v in vars(errors).items() if isinstance(v, type) and k.endswith("Error")}
    assert kinds == {name for name in pictree.__all__ if name.endswith("Error")}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'pictree' has no attribute 'Clusterer'"):
        pictree.Clusterer  # noqa: B018


@pytest.mark.parametrize("module", [autoencoder, clusterer, tree])
def test_examples_in_docstrings(module: object) -> None:
    found = doctest.testmod(module)
    assert found.attempted >= 7
    assert found.failed == 0
