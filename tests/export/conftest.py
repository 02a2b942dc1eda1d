"""Two small real runs: a folder with odd names, a copy and a broken file; and an array."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from tests.export.labelled import label_some

NAMES = ["plain.png", "dir/plain.png", "dir/Plain.jpg", "CON.png", "new\nline.png", "no suffix"]
NAMES += ["a [1] #%.png", "<script>.png", "ünïcode-日本.png", "é" * 120 + ".png"]


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Sixty digits as files; three more: a copy, a broken one and one that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    names = NAMES + [f"set {i % 2}/{i:02}.png" for i in range(len(NAMES), 60)]
    for name, image in zip(names, digits[0], strict=False):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file, "JPEG" if name.endswith(".jpg") else "PNG")
    (folder / "twice.png").write_bytes((folder / "plain.png").read_bytes())
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 nothing more")
    (folder / "notes.md").write_text("no picture")
    return folder


def quick(pictures: object, out: Path) -> Path:
    """Fit without training."""
    fit(pictures, out, recipe=change(load_recipe("quick"), **{"maps.methods": ["pca"]}))
    return out


@pytest.fixture(scope="session")
def folder_run(tmp_path_factory: pytest.TempPathFactory, pictures: Path) -> Path:
    """A run of these files."""
    return quick(pictures, tmp_path_factory.mktemp("runs") / "folder")


@pytest.fixture(scope="session")
def array_run(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """A run of two arrays of sixteen-bit images in one .npz."""
    folder = tmp_path_factory.mktemp("arrays")
    file = folder / "digits.npz"
    images = digits[0][:80].astype(np.uint16) * 257
    np.savez(file, first=images[:50], second=images[50:], known=digits[1][:80])
    return quick(str(file), folder / "run")


@pytest.fixture(scope="session")
def labelled_run(tmp_path_factory: pytest.TempPathFactory, folder_run: Path) -> Path:
    """A copy of the folder's run, most of it labelled."""
    run = tmp_path_factory.mktemp("labelled") / "run"
    shutil.copytree(folder_run, run)
    label_some(run)
    return run
