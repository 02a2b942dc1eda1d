"""One pile on disk, and its run, that runs from other places are compared with; a server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import Recipe, change, load_recipe
from tests.clouds.moto_server import SECRETS, start
from tests.clouds.servers import Server


@pytest.fixture(scope="package")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Sixty digits in folders by kind; a copy, a broken one, an empty one, a text."""
    top = tmp_path_factory.mktemp("pile") / "digits"
    for i in range(60):
        file = top / str(digits[1][i]) / f"ü {i:03}#%20.png"
        file.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(digits[0][i]).save(file)
    (top / "a-copy.png").write_bytes(file.read_bytes())
    (top / "broken.png").write_bytes(file.read_bytes()[:60])
    (top / "empty.png").write_bytes(b"")
    (top / "notes.md").write_text("what these are")
    return top


@pytest.fixture(scope="package")
def recipe() -> Recipe:
    return change(load_recipe("quick"), **{"maps.methods": []})


@pytest.fixture(scope="package")
def run(pile: Path, recipe: Recipe) -> Path:
    """The run of the pile on disk."""
    out = pile.parent / "run"
    fit(pile, out, recipe=recipe, known_labels="folders")
    return out


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests; what they start finds it by the environment."""
    server = start(tmp_path_factory.mktemp("server") / "log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SECRETS, "AWS_ENDPOINT_URL": server.address}.items():
            patch.setenv(name, value)
        yield server
    server.stop()


@pytest.fixture
def bucket() -> Iterator[dict[str, Any]]:
    """fsspec's files in memory, by path; none at first."""
    files = MemoryFileSystem()
    yield files.store
    files.store.clear()
    files.pseudo_dirs[:] = [""]
