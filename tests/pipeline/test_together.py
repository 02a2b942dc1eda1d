"""Several processes learn a batch together: the same bytes whoever learns which part of it."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.engine.base import Local
from pictree.engine.processes import Processes
from pictree.pipeline.fit import fit
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, change, load_recipe
from pictree.store import Run
from tests.engine.one_fit import untimed

RECIPE = change(
    load_recipe("large-1568"),
    **{"training.epochs": 2, "training.batch_size": 64, "clustering.k": 5, "maps.methods": ["pca"]},
)
"""Of 200 digits the last batch of an epoch has 8: its parts are not equal."""


DEC = change(
    load_recipe("dec"),
    **{
        "training.epochs": 1,
        "training.batch_size": 64,
        "clustering.k": 5,
        "dec.updates": 3,
        "dec.interval": 3,
        "dec.batch_size": 60,
        "maps.methods": ["pca"],
    },
)


class Machines(Processes):
    """Two processes that say they are on machines of their own."""

    def crowd(self) -> int:
        return 2

    def _capacity(self) -> int:
        return 2


class Alone(Local):
    """What is left where the other machine went away after the first count."""

    def crowd(self) -> int:
        return 2


class Strikes(Progress):
    """Kills one of the workers when the first epoch, or update, is done."""

    def __init__(self, key: str) -> None:
        self.key, self.lines = key, list[str]()
        self.workers: Machines | None = None

    def say(self, text: str) -> None:
        self.lines.append(text)

    def figures(self, row: Mapping[str, Any]) -> None:
        if row.get(self.key) == 1 and self.workers is not None:
            worker = self.workers._workers[0]
            os.kill(int(worker.name.split()[-1]), signal.SIGKILL)


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    file = tmp_path_factory.mktemp("pile") / "digits.npy"
    np.save(file, digits[0][:200])
    return file


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recipe", "key", "learned"),
    [(RECIPE, "epoch", "model/encoder.safetensors"), (DEC, "update", "centres.npz")],
    ids=["large-1568", "dec"],
)
def test_two_processes_and_one_end_with_the_same_bytes(
    recipe: Recipe,
    key: str,
    learned: str,
    pile: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = Strikes(key)

    def two(name: str, progress: Progress) -> Machines:
        told.workers = Machines(progress)
        return told.workers

    monkeypatch.setattr("pictree.pipeline.fit.open_engine", two)
    fit(pile, tmp_path / "two", recipe=recipe, engine="processes", progress=told)
    [lost] = [line for line in told.lines if "again" in line]
    died = r"worker process \d+ was killed by signal 9"
    assert re.fullmatch(rf"{died}: {key} 2 is begun again", lost)

    monkeypatch.setattr("pictree.pipeline.fit.open_engine", lambda *_: Alone())
    fit(pile, tmp_path / "one", recipe=recipe)
    assert untimed(tmp_path / "two") == untimed(tmp_path / "one")
    assert learned in untimed(tmp_path / "one")
    assert Run(tmp_path / "one").info["parts"] == Run(tmp_path / "two").info["parts"] == 2
