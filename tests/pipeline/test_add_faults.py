"""An add that is killed, at any write: the run stays valid, and the same add ends the same."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pictree.pipeline import place
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from pictree.report.gather import gather
from pictree.store import Run
from tests.pipeline.test_add import bytes_of

CHANGES = ("os.rename", "os.remove", "os.rmdir")
"""What a run folder's state changes by: files are written aside, then renamed."""
NOT_COUNTED = ("/pictures/", "run.owner")


class Killed(BaseException):
    """The process would have ended here."""


class Killer:
    """Ends the program just before the n-th change of a run, drawings and lock not counted."""

    def __init__(self) -> None:
        self.left: int | None = None
        sys.addaudithook(self.hear)  # stays for good: there is no way to remove one

    def hear(self, event: str, arguments: tuple) -> None:
        if self.left is None or event not in CHANGES:
            return
        if any(name in str(arguments) for name in NOT_COUNTED):
            return
        self.left -= 1
        if self.left < 0:
            self.left = None
            raise Killed

    @contextmanager
    def before(self, n: int) -> Iterator[None]:
        self.left = n
        try:
            yield
        finally:
            self.left = None


KILLER = Killer()


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """The quick recipe on 120 digits, with two cuts of its tree."""
    out = tmp_path_factory.mktemp("runs") / "fitted"
    changes = {"maps.methods": ["pca"], "clustering.k": 3}
    fit(digits[0][:120], out, recipe=change(load_recipe("quick"), **changes))
    cut(out, 2)
    return out


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> str:
    """Ten digits, one of the fit's and one twice."""
    file = tmp_path_factory.mktemp("pile") / "new.npy"
    np.save(file, digits[0][[*range(120, 130), 0, 120]])
    return str(file)


@pytest.fixture(autouse=True)
def shards_of_eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "_BATCH", 8)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, fitted: Path, pile: str) -> Path:
    """The run with the pile added, undisturbed."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(place, "_BATCH", 8)
        add(shutil.copytree(fitted, out), pile)
    return out


def settled(run: Path) -> dict[str, bytes]:
    """All that a finished add fixes: every file, but for the day in the report."""
    info = json.loads((run / "run.json").read_text())
    days = [pile.pop("time")[:10] for pile in info["added"]]
    found = bytes_of(run) | {"run.json": json.dumps(info).encode()}
    for day in days:
        found["report.html"] = found["report.html"].replace(day.encode(), b"DAY")
    manifest = json.loads((run / "manifest.json").read_text())
    return found | {"manifest.json": "\n".join(sorted(manifest)).encode()}


def check_valid(folder: Path) -> int:
    """Read all that a run shows; its parts fit together, with or without the new pictures."""
    run = Run.open(folder)
    found = gather(run)
    n = len(found.labels)
    assert n in (120, 130)
    assert (n == 130) == bool(run.info.get("added"))
    assert len(found.pixels) == len(found.codes) == len(found.errors) == len(found.ids) == n
    assert len(run.labels("tree-2")) == n
    assert all(len(points) == n for points in found.maps.values())
    return n


def kill_and_repeat(run: Path, pile: str, n: int) -> int:
    """Kill an add before its n-th change, check the run, add again; return what it held."""
    with pytest.raises(Killed), KILLER.before(n):
        add(run, pile)
    held = check_valid(run)
    add(run, pile)
    return held


@pytest.fixture(scope="module")
def changes(tmp_path_factory: pytest.TempPathFactory, fitted: Path, pile: str) -> int:
    """How many changes an undisturbed add makes."""
    run = Path(shutil.copytree(fitted, tmp_path_factory.mktemp("runs") / "counted"))
    with pytest.MonkeyPatch.context() as patch, KILLER.before(1000):
        patch.setattr(place, "_BATCH", 8)
        add(run, pile)
        return 1000 - (KILLER.left or 0)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.45, 0.55, 0.75, 0.999])
def test_a_kill_leaves_a_run_and_the_same_add_ends_the_same(
    fitted: Path, pile: str, whole: Path, changes: int, tmp_path: Path, share: float
) -> None:
    run = Path(shutil.copytree(fitted, tmp_path / "run"))
    kill_and_repeat(run, pile, int(share * changes))
    assert settled(run) == settled(whole)


@pytest.mark.slow
def test_a_kill_at_any_write_leaves_a_run_and_the_same_add_ends_the_same(
    fitted: Path, pile: str, whole: Path, changes: int, tmp_path: Path
) -> None:
    expected, held = settled(whole), set()
    for n in range(changes):
        run = Path(shutil.copytree(fitted, tmp_path / str(n)))
        held.add(kill_and_repeat(run, pile, n))
        assert settled(run) == expected, f"killed before change {n} of {changes}"
        shutil.rmtree(run)
    assert held == {120, 130}


@pytest.mark.parametrize("n", [3, 24])
def test_a_true_kill_does_no_harm(
    fitted: Path, pile: str, whole: Path, tmp_path: Path, n: int
) -> None:
    run = Path(shutil.copytree(fitted, tmp_path / "run"))
    code = (
        "import os, sys\n"
        "from pictree.pipeline import add, place\n"
        "place._BATCH = 8\n"
        f"left = {n}\n"
        "def hear(event, arguments):\n"
        "    global left\n"
        "    left -= event == 'os.rename'\n"
        "    if left < 0 and event == 'os.rename': os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(hear)\n"
        "add.add(*sys.argv[1:])\n"
    )
    words = [sys.executable, "-c", code, str(run), pile]
    assert subprocess.run(words, capture_output=True, check=False).returncode == -9
    check_valid(run)
    add(run, pile)
    assert settled(run) == settled(whole)


@pytest.mark.parametrize("share", [0.45, 0.75])
def test_another_pile_after_a_kill_is_as_if_the_first_had_not_been_or_had_ended(
    fitted: Path,
    pile: str,
    whole: Path,
    changes: int,
    digits: tuple,
    tmp_path: Path,
    share: float,
) -> None:
    other = tmp_path / "other.npy"
    np.save(other, digits[0][200:209])
    run = Path(shutil.copytree(fitted, tmp_path / "run"))
    with pytest.raises(Killed), KILLER.before(int(share * changes)):
        add(run, pile)
    ended = check_valid(run) == 130
    assert ended == (share > 0.7)
    undisturbed = Path(shutil.copytree(whole if ended else fitted, tmp_path / "undisturbed"))
    add(undisturbed, str(other))
    add(run, str(other))
    assert settled(run) == settled(undisturbed)
