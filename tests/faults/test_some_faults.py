"""A few of each fault, for every day: killed, stopped, no disk, spoiled files; then the same bytes.

`test_kills.py`, `test_failing.py`, `test_stopping.py` and `test_spoiled.py` inject each at every
point, in `make test-all`. Each fault is checked to have struck. One warmed parent does them all.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def jobs(run: str, kept: str) -> list[dict[str, Any]]:
    """Return a few jobs of each kind; the runs that the first keep are there for the others."""
    full = {"error": "ENOSPC", "lasts": True}
    one, commands = {"start": kept, "every": 999}, ["predict", "report", "cut", "verify"]
    return [
        {"do": "kill", "action": "fit and draw", "first": 7, "every": 80, "keep": run},
        {"do": "kill", "action": "add", "start": run, "first": 97, "every": 93},
        {"do": "kill", "action": "predict", "start": run, "first": 1, "every": 4},
        {"do": "kill", "action": "export", "start": run, "first": 13, "every": 90},
        {"do": "kill", "action": "label", "start": run, "random": 3},
        {"do": "fail", "action": "fit", **full, "first": 113, "every": 141, "keep": kept},
        {"do": "fail", "action": "add", "error": "EDQUOT", **one, "first": 5},
        {
            "do": "fail",
            "action": "predict",
            "error": "EIO",
            "start": kept,
            "first": 3,
            "every": 999,
        },
        {"do": "fail", "action": "export", **full, **one, "first": 20},
        {"do": "stop", "action": "fit", "hows": ["SIGTERM", "twice"], "moments": 1},
        {
            "do": "spoil",
            "commands": commands,
            "first": 5,
            "every": 83,
        },
        {"do": "read", "way": "error", "openings": 80, "first": 60, "every": 80},
        {"do": "read", "way": "gone", "openings": 80, "first": 30, "every": 80},
    ]


def test_some_of_each_fault(tmp_path: Path) -> None:
    asks = jobs(str(tmp_path / "run"), str(tmp_path / "kept"))
    found = asked(tmp_path, asks)
    assert [job["wrong"] for job in found] == [[]] * len(asks)
    for ask, job in zip(asks, found, strict=True):
        points = job.get("points", job.get("cases", 1))
        assert job.get("told", job.get("struck")) >= points // 3, ask
