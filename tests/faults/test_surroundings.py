"""The same pile, seed and threads in other surroundings: the same bytes.

Between numbers of threads, sums are added up in another order: there the clusters must agree.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from pictree.evaluation.agreement import ari
from pictree.store import Run
from tests.faults.commands import prepare
from tests.faults.forks import digests

PLAIN = {"LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}
OTHER = {"LC_ALL": "tr_TR.UTF-8", "TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "4711"}


def same(folder: Path) -> Path:
    return folder / "old"


def moved(folder: Path) -> Path:
    """Move the pictures deeper, beside others."""
    (folder / "deep" / "er").mkdir(parents=True)
    return (folder / "old").rename(folder / "deep" / "er" / "elsewhere")


def read_only(folder: Path) -> Path:
    """Take away the right to write."""
    for file in (folder / "old").iterdir():
        file.chmod(0o444)
    (folder / "old").chmod(0o555)
    return folder / "old"


def moved_read_only(folder: Path) -> Path:
    to = moved(folder)
    to.chmod(0o555)
    return to


Surroundings = tuple[dict[str, str], int, Callable[[Path], Path]]
EVERY: dict[str, Surroundings] = {
    "plain": ({}, 0o022, same),
    "locale": ({"LC_ALL": OTHER["LC_ALL"]}, 0o022, same),
    "C locale": ({"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}, 0o022, same),
    "time zone": ({"TZ": OTHER["TZ"]}, 0o022, same),
    "hash seed": ({"PYTHONHASHSEED": OTHER["PYTHONHASHSEED"]}, 0o022, same),
    "umask": ({}, 0o077, same),
    "moved": ({}, 0o022, moved),
    "all at once": (OTHER, 0o027, moved_read_only),
}


def fitted(folder: Path, surroundings: Surroundings, threads: int, recipe: str) -> Path:
    """Fit the small pile in a process of its own; return the run."""
    changes, umask, place = surroundings
    folder.mkdir()
    prepare(folder)
    pictures = place(folder)
    before = {file: file.stat().st_mtime_ns for file in pictures.iterdir()}
    count = str(threads)
    env = os.environ | PLAIN | changes | {"OMP_NUM_THREADS": count, "POLARS_MAX_THREADS": count}
    words = ["fit", pictures, "-o", folder / "run", "--recipe", folder / recipe, "--k", "3"]
    done = subprocess.run(
        [sys.executable, "-m", "pictree.cli", *map(str, words)],
        env=env | {"OPENBLAS_NUM_THREADS": count},
        capture_output=True,
        text=True,
        check=False,
        umask=umask,
    )
    assert done.returncode == 0, done.stderr
    assert {file: file.stat().st_mtime_ns for file in pictures.iterdir()} == before
    mode = (folder / "run" / "codes" / "00000.npy").stat().st_mode & 0o777
    assert mode == 0o666 & ~umask
    return folder / "run"


LEARNED = ("plain", "all at once")
"""Surroundings in which the recipe that learns is fitted too."""


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "names"), [("drawn.toml", EVERY), ("learned.toml", LEARNED)])
def test_each_gives_the_same_bytes_and_each_number_of_threads_the_same_clusters(
    tmp_path: Path, recipe: str, names: Iterable[str]
) -> None:
    labels = []
    for threads in (1, 2, 8):
        work = tmp_path / str(threads)
        work.mkdir()
        runs = {name: fitted(work / name, EVERY[name], threads, recipe) for name in names}
        expected = digests(runs["plain"])
        assert len(expected) > 20
        for name, run in runs.items():
            assert digests(run) == expected, (threads, name)
        labels.append(Run.open(runs["plain"]).labels())
    assert [ari(labels[0], other) for other in labels[1:]] == [1.0, 1.0]
