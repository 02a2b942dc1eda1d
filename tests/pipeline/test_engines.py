"""A fit gives the same bytes whoever does the shards, killed or not."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.errors import InputError
from pictree.images.twins import first_of_twins, with_twins
from pictree.pipeline import stock_shards
from pictree.pipeline.fit import fit
from tests.engine.one_fit import digest, words
from tests.pipeline.conftest import small_recipe

ROWS = 150
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """660 digits; copies of one in the same shard, in later ones, and of copies."""
    images = digits[0][:660].copy()
    for copy, of in [(599, 0), (300, 0), (200, 10), (201, 199), (400, 199), (401, 200), (402, 401)]:
        images[copy] = images[of]
    file = tmp_path_factory.mktemp("pile") / "digits.npy"
    np.save(file, images)
    return file


@pytest.fixture(scope="module", autouse=True)
def small_shards() -> None:
    """Five shards for 660 digits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pictree.pipeline.begin.shard_rows_for", lambda _: ROWS)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, pile: Path) -> Path:
    """The run that the plain loop makes."""
    out = tmp_path_factory.mktemp("runs") / "local"
    fit(pile, out, recipe=small_recipe())
    return out


def test_processes_give_the_same_bytes(pile: Path, undisturbed: Path, tmp_path: Path) -> None:
    fit(pile, tmp_path / "run", recipe=small_recipe(), engine="processes")
    assert digest(tmp_path / "run") == digest(undisturbed)
    assert not (tmp_path / "run" / "stocking").exists()
    told = pl.read_parquet(tmp_path / "run/images/*.parquet")
    twins = told.filter(pl.col("outcome") == "duplicate").select("id", "duplicate_of").rows()
    assert twins == [(200, 10), (201, 199), (300, 0), (400, 199), (401, 10), (402, 10), (599, 0)]


@pytest.mark.parametrize(
    "after",
    [
        pytest.param("stock 2", marks=pytest.mark.slow),
        pytest.param("settle 0", marks=pytest.mark.slow),
        "settle 3",
    ],
)
def test_a_fit_goes_on_with_any_engine(
    after: str, pile: Path, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop after a shard of the first part or of the second; go on with each engine in turn."""
    name, last = after.split()
    stage = f"{name}_shard"
    monkeypatch.setattr(stock_shards, stage, partial(_until, int(last), stage))
    with pytest.raises(InputError, match="stopped"):
        fit(pile, tmp_path / "run", recipe=small_recipe(), engine="processes")
    monkeypatch.undo()
    monkeypatch.setattr("pictree.pipeline.begin.shard_rows_for", lambda _: ROWS)
    engine = "local" if last == "0" else "processes"
    fit(pile, tmp_path / "run", recipe=small_recipe(), engine=engine, resume=True)
    assert digest(tmp_path / "run") == digest(undisturbed)


def _until(last: int, stage: str, *arguments: object) -> int:
    """Do a shard, but none after the last."""
    if arguments[-1] > last:  # type: ignore[operator]
        raise InputError("no more", got="stopped", do="Go on")
    return getattr(stock_shards, stage)(*arguments)


def test_pictures_in_memory_are_refused(digits: tuple, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        fit(digits[0][:50], tmp_path / "run", recipe=small_recipe(), engine="processes")
    assert str(error.value) == (
        "the pictures must be files, which other processes can open, with --engine processes; got "
        "ndarray in memory. Save them, for example with numpy.save, or leave the engine out."
    )
    assert not (tmp_path / "run").exists()


@settings(max_examples=60, deadline=None)
@given(
    content=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=30),
    rows=st.integers(1, 7),
)
def test_twins_over_shards_are_those_of_one_shard(
    tmp_path_factory: pytest.TempPathFactory, content: list[str], rows: int
) -> None:
    """Found shard by shard and then over all, as when looked at one after another."""
    names = [f"{i}.png" for i in range(len(content))]
    folder = tmp_path_factory.mktemp("twins")
    parts = [_inventory(content, range(at, min(at + rows, len(content))), names, at)
             for at in range(0, len(content), rows)]  # fmt: skip
    files = [folder / f"{i}.parquet" for i in range(len(parts))]
    for part, file in zip(parts, files, strict=True):
        part.write_parquet(file)
    for fewer in (10**9, 3):  # in one pass, and in many
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pictree.images.twins.ROWS_AT_ONCE", fewer)
            firsts = first_of_twins(files, len(content))
        found = pl.concat([with_twins(part, firsts, names) for part in parts])
        assert found.equals(_inventory(content, range(len(content)), names, 0))


def _inventory(content: list[str], rows: range, names: list[str], start: int) -> pl.DataFrame:
    """Return what one look at these rows, after nothing else, finds."""
    first = [content.index(content[i], start) for i in rows]
    is_twin = [f < i for f, i in zip(first, rows, strict=True)]
    return pl.DataFrame(
        {
            "id": pl.Series(list(rows), dtype=pl.UInt32),
            "sha256": [hashlib.sha256(content[i].encode()).hexdigest() for i in rows],
            "outcome": ["duplicate" if twin else "used" for twin in is_twin],
            "reason": [
                f"same content as {names[f]}" if twin else ""
                for f, twin in zip(first, is_twin, strict=True)
            ],
            "duplicate_of": pl.Series(
                [f if twin else None for f, twin in zip(first, is_twin, strict=True)],
                dtype=pl.UInt32,
            ),
        }
    )


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks for the workers in /proc")
def test_random_kills_of_workers_and_drivers(pile: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    subprocess.run(words(pile, tmp_path / "local", "local", ROWS), cwd=ROOT, check=True)
    struck = {"worker": 0, "driver": 0}
    for number in range(10):
        out, who = tmp_path / str(number), ("worker", "driver")[number % 2]
        struck[who] += _killed(pile, out, who, float(rng.uniform(0, 1)))
        assert digest(out) == digest(tmp_path / "local"), f"after kill {number} of a {who}"
    assert struck["worker"] >= 4
    assert struck["driver"] >= 4


def _killed(pile: Path, out: Path, who: str, part: float) -> bool:
    """Fit with a kill somewhere in the reading or the encoding; go on; tell whether it struck."""
    asked = words(pile, out, "processes", ROWS)
    # The kill comes when so many shard files are there: of 5 shards each is written up to 4 times.
    wanted = int(part * 20)
    with subprocess.Popen(asked, cwd=ROOT, stderr=subprocess.DEVNULL) as driver:
        struck = False
        while driver.poll() is None and not struck:
            files = [*out.rglob("*.npy"), *out.rglob("*.parquet")]
            children = _children(driver.pid)
            if len(files) >= wanted and children:
                struck = _kill(driver.pid if who == "driver" else children[-1])
        code = driver.wait()
    assert code == (-signal.SIGKILL if struck and who == "driver" else 0)
    if struck and who == "driver":
        subprocess.run([*asked, "--resume"], cwd=ROOT, check=True, stderr=subprocess.DEVNULL)
    return struck


def _children(pid: int) -> list[int]:
    """Return the worker processes of a driver."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [child for child in map(int, listed) if "spawn_main" in _words(child)]


def _words(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True
