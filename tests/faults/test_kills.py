"""Killed anywhere, the same command again ends with the same bytes as if nothing had happened.

Each kill is checked to have struck. In `make test` some points, in `make test-all` every one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def killed(folder: Path, *jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """Let a process of its own do the jobs; see `tests.faults.killing`."""
    words = [sys.executable, "-m", "tests.faults.killing", str(folder), json.dumps(jobs)]
    done = subprocess.run(
        words,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | ONE_THREAD,
        cwd=Path(__file__).parents[2],
    )
    return json.loads(done.stdout.splitlines()[-1])


def struck(found: list[dict[str, Any]]) -> int:
    """Return how many kills struck; every one of them must have done no harm."""
    assert [job["wrong"] for job in found] == [[] for _ in found]
    return sum(job["struck"] for job in found)


def test_some_kills_of_every_command(tmp_path: Path) -> None:
    run = str(tmp_path / "kept")
    (tmp_path / "work").mkdir()
    found = killed(
        tmp_path / "work",
        {"action": "fit", "first": 7, "every": 29, "keep": run},
        {"action": "add", "start": run, "first": 11, "every": 41},
        {"action": "predict", "start": run, "every": 3},
        {"action": "export", "start": run, "first": 3, "every": 37},
        {"action": "label", "start": run, "random": 5},
    )
    assert struck(found[:4]) == sum(job["points"] for job in found[:4]) >= 15
    assert struck(found[4:]) >= 1


@pytest.mark.slow
def test_a_kill_before_every_change(tmp_path: Path) -> None:
    run = str(tmp_path / "kept")
    (tmp_path / "work").mkdir()
    found = killed(
        tmp_path / "work",
        {"action": "fit", "keep": run},
        {"action": "add", "start": run},
        {"action": "predict", "start": run},
        {"action": "export", "start": run},
        {"action": "fit", "twice": True, "every": 2},
    )
    assert struck(found[:4]) == sum(job["changes"] for job in found[:4])
    # The second kill may come after the end of what was left to do.
    assert struck(found[4:]) > found[4]["points"] // 3


@pytest.mark.slow
def test_kills_at_random_moments(tmp_path: Path) -> None:
    run = str(tmp_path / "kept")
    (tmp_path / "work").mkdir()
    found = killed(
        tmp_path / "work",
        {"action": "fit", "random": 450, "keep": run},
        {"action": "add", "start": run, "random": 220},
        {"action": "predict", "start": run, "random": 170},
        {"action": "export", "start": run, "random": 180},
        {"action": "label", "start": run, "random": 400},
    )
    assert struck(found) >= 1000
