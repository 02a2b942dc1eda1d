"""Pictures join a run as the plain loop lets them, whoever reads and places them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.engine.base import Local
from pictree.errors import InputError
from pictree.pipeline import place, place_shards
from pictree.pipeline.add import add
from pictree.store import Run
from tests.pipeline.test_add import bytes_of

ENGINES = ("local", "processes")


@pytest.fixture
def new(digits_npz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Digits in three parts: 60 new ones; copies of the fit's, of each other, in other parts."""
    monkeypatch.setattr(place, "_BATCH", 25)
    of = np.load(digits_npz)
    piles = (of["fresh"], of["images"][[3, 3, 599]], of["fresh"][[0, 0, 30]], of["images"][3:4])
    np.save(tmp_path / "new.npy", np.concatenate(piles))
    return tmp_path / "new.npy"


@pytest.fixture
def copies(small_run: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copytree(small_run, tmp_path / name)) for name in ("one", "other")]


@pytest.mark.parametrize("by", ["this", pytest.param("processes", marks=pytest.mark.slow)])
def test_workers_add_the_same_bytes(
    by: str, copies: list[Path], new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By other processes; quicker, this one does what they would."""
    if by == "this":
        monkeypatch.setattr("pictree.pipeline.add.open_engine", lambda *_: Local())
    told = [add(run, str(new), engine=by) for run, by in zip(copies, ENGINES, strict=True)]
    assert (told[1]["used"], told[1]["duplicates"]) == (60, 7)
    _assert_the_same(copies, told)


@pytest.mark.slow
@pytest.mark.parametrize("last", ENGINES)
def test_an_add_goes_on_with_any_engine(
    last: str, copies: list[Path], new: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = copies
    told = [add(one, str(new))]
    with monkeypatch.context() as patch:
        patch.setattr(place_shards, "place_shard", _until_the_second)
        with pytest.raises(InputError, match="stopped"):
            add(other, str(new), engine="processes")
    assert (other / "adding" / "work" / "added" / "00000.parquet").exists()
    assert len(Run.open(other).inventory()) == 600
    told.append(add(other, str(new), engine=last))
    _assert_the_same(copies, told)


def _assert_the_same(runs: list[Path], told: list[dict[str, Any]]) -> None:
    said = [{k: v for k, v in one.items() if k not in ("run", "report")} for one in told]
    assert said[0] == said[1]
    assert not (runs[1] / "adding").exists()
    timed = ("run.json", "report.html")
    one, other = ({k: v for k, v in bytes_of(run).items() if k not in timed} for run in runs)
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


def _until_the_second(folder: Path, asked: object, shard: int) -> int:
    """Place a part, but none after the first."""
    if shard > 0:
        raise InputError("no more", got="stopped", do="Go on")
    return place_shards.place_shard(folder, asked, shard)  # type: ignore[arg-type]


def test_pictures_in_memory_are_refused(small_run: Path, digits: tuple) -> None:
    with pytest.raises(InputError) as error:
        add(small_run, digits[0][:5], engine="processes")
    assert str(error.value) == (
        "the pictures must be files, which other processes can open, with --engine processes; got "
        "ndarray in memory. Save them, for example with numpy.save, or leave the engine out."
    )
    assert not (small_run / "adding.json").exists()
