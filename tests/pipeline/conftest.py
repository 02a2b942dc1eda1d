"""A small real run that the pipeline's tests share, and a way to call the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.pipeline.fit import fit
from pictree.recipes.recipe import Recipe, change, load_recipe


def small_recipe(**changes: Any) -> Recipe:
    """Return small-98 for two epochs with a PCA map: seconds instead of minutes."""
    quick = {"training.epochs": 2, "maps.methods": ["pca"], "images.cluster": "all"}
    return change(load_recipe("small-98"), **quick, **changes)


def command(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user does."""
    arguments = [sys.executable, "-m", "pictree.cli", *map(str, words)]
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def command_json(*words: object) -> dict[str, Any]:
    """Run the command line with --json, and return what it printed."""
    done = command(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def digits_npz(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """600 digits and 60 others; two of the 600 are the same picture."""
    images, known = digits[0][:660].copy(), digits[1][:660]
    images[599] = images[0]
    file = tmp_path_factory.mktemp("digits") / "digits.npz"
    np.savez(
        file, images=images[:600], known=known[:600], fresh=images[600:], fresh_known=known[600:]
    )
    return file


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, digits_npz: Path) -> Path:
    """The run folder of a fit on these 600."""
    out = tmp_path_factory.mktemp("runs") / "small"
    fit(f"{digits_npz}:images", out, recipe=small_recipe(), known_labels="known")
    return out
