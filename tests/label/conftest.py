"""A finished run with a tree to label: 2,000 packaged digits by the quick recipe."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe


@pytest.fixture(scope="session")
def known_digits(digits: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """The known label of each of the 2,000."""
    return digits[1][:2000]


@pytest.fixture(scope="session")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    folder = tmp_path_factory.mktemp("label")
    np.save(folder / "digits.npy", digits[0][:2000])
    recipe = change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": "10"})
    fit(str(folder / "digits.npy"), folder / "run", recipe=recipe)
    return folder / "run"


@pytest.fixture
def run_folder(fitted: Path, tmp_path: Path) -> Path:
    """A copy of the run that a test may write to."""
    return Path(shutil.copytree(fitted, tmp_path / "run"))


@pytest.fixture
def hostile_run(tmp_path: Path, digits: tuple) -> Path:
    """Ninety pictures with names that a page could take for markup."""
    folder = tmp_path / "pictures"
    for i, image in enumerate(digits[0][:90]):
        file = folder / f"<script>alert({i % 2})<" / f"&amp;'\"{i:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    recipe = change(load_recipe("quick"), **{"maps.methods": [], "clustering.k": "3"})
    fit(str(folder), tmp_path / "run", recipe=recipe)
    return tmp_path / "run"
