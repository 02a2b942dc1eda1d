"""A small finished run of real digits, and digits it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """1,000 digits by a normalised convolutional network of one epoch, clustered as a tree."""
    folder = tmp_path_factory.mktemp("deploy")
    np.save(folder / "digits.npy", digits[0][:1000])
    changes = {"maps.methods": [], "clustering.k": "10", "training.epochs": 1, "network.code": 24}
    recipe = change(load_recipe("small-98"), **changes, **{"clustering.method": "tree"})
    fit(str(folder / "digits.npy"), folder / "run", recipe=recipe)
    return folder / "run"


@pytest.fixture(scope="session")
def fresh(digits: tuple) -> np.ndarray:
    """300 digits that the run has not seen, uint8 (300, 28, 28)."""
    return digits[0][2000:2300]
