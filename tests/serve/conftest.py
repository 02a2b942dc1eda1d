"""A run of real pictures in files, and pictures that it has not seen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe


def save_all(images: np.ndarray, folder: Path, suffix: str = "png") -> list[Path]:
    folder.mkdir()
    files = [folder / f"{i:04}.{suffix}" for i in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    return files


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """A folder of 500 digits as PNG."""
    folder = tmp_path_factory.mktemp("serve") / "known"
    save_all(digits[0][:500], folder)
    return folder


@pytest.fixture(scope="session")
def served_run(pictures: Path) -> Path:
    out = pictures.parent / "run"
    changes = {"maps.methods": [], "clustering.k": "10"}
    fit(str(pictures), out, recipe=change(load_recipe("quick"), **changes))
    return out


@pytest.fixture(scope="session")
def fresh(pictures: Path, digits: tuple) -> Path:
    """40 digits that the run has not seen; ten of them WebP, three clothes-like noise."""
    folder = pictures.parent / "fresh"
    save_all(digits[0][1000:1027], folder)
    for i, image in enumerate(digits[0][1027:1037]):
        Image.fromarray(image).save(folder / f"webp-{i}.webp", lossless=True)
    noise = np.random.default_rng(0).integers(0, 256, (3, 28, 28), np.uint8)
    for i, image in enumerate(noise):
        Image.fromarray(image).save(folder / f"noise-{i}.png")
    return folder
