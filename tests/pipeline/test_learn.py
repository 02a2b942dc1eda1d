"""Training on a sample, where the pile is huge."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pictree.pipeline import learn
from pictree.pipeline.fit import fit
from pictree.progress import Progress
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run

RECIPE = change(
    load_recipe("large-1568"),
    **{"training.epochs": 1, "training.batch_size": 32, "clustering.k": 3, "maps.methods": []},
)
WEIGHTS = "model/encoder.safetensors"


class Totals(Progress):
    def __init__(self) -> None:
        self.of: dict[str, int] = {}

    def start(self, label: str, total: int) -> None:
        self.of[label] = total


def test_of_very_many_pictures_the_epochs_show_some(
    digits: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(learn, "SAMPLE", 64)
    images, held_out = digits[0][:150], digits[0][150:160]
    told = Totals()
    fit(images, tmp_path / "whole", recipe=RECIPE, validation=held_out, progress=told)
    assert told.of["training"] == learn.images_shown(150, epochs=1) == 64
    run = Run(tmp_path / "whole")
    drawn = learn.rows_to_learn(run, RECIPE.training, seed=0)
    assert len(set(drawn)) == 64
    assert drawn.max() < 150  # none of those that validate
    assert not np.array_equal(drawn, learn.rows_to_learn(run, RECIPE.training, seed=1))

    weights = (run.path / WEIGHTS).read_bytes()
    unseen = np.setdiff1d(np.arange(150), drawn)
    assert learned_again(run, unseen) == weights
    assert learned_again(run, drawn[:1]) != weights


def learned_again(run: Run, rows: np.ndarray) -> bytes:
    """Change these pictures, learn once more, and return the weights."""
    pixels = run.read_array("pixels", 0).copy()
    pixels[rows] = 255 - pixels[rows]
    run.write_array("pixels", 0, pixels)
    for kind in ("model", "checkpoints"):
        shutil.rmtree(run.path / kind)
    learn.learn(run, RECIPE, learn.device_for(RECIPE), 0, Progress())
    return (run.path / WEIGHTS).read_bytes()
