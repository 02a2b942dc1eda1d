"""Killed anywhere, the same command again ends with the same bytes as if nothing had happened.

Each kill is checked to have struck.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
STRIKES = 200
"""So many kills at random moments are to strike each of five commands: a thousand in all."""
AFTER = ("add", "predict", "export")


def check(found: list[dict[str, Any]]) -> None:
    """No kill did harm."""
    assert [job["wrong"] for job in found] == [[] for _ in found]


def after_a_fit(folder: Path, jobs: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a job that keeps a run, and jobs that begin with it, by the command to kill."""
    kept = str(folder / "kept")
    fitted = {"do": "kill", "action": "fit", "first": 10**6, "keep": kept}
    return [fitted, *({"do": "kill", "action": a, "start": kept, **jobs[a]} for a in jobs)]


@pytest.mark.slow
def test_a_kill_before_every_change_of_a_fit(tmp_path: Path) -> None:
    (found,) = asked(tmp_path, [{"do": "kill", "action": "fit and draw"}])
    check([found])
    assert found["struck"] == found["points"] == found["changes"] > 100


@pytest.mark.slow
def test_a_kill_before_every_change_of_what_comes_after(tmp_path: Path) -> None:
    found = asked(tmp_path, after_a_fit(tmp_path, {action: {} for action in AFTER}))[1:]
    check(found)
    assert [job["struck"] for job in found] == [job["changes"] for job in found]
    assert min(job["changes"] for job in found) > 2


@pytest.mark.slow
def test_a_kill_while_going_on_after_a_kill(tmp_path: Path) -> None:
    (found,) = asked(tmp_path, [{"do": "kill", "action": "fit", "pairs": STRIKES, "seed": 0}])
    check([found])
    assert found["struck"] == STRIKES


@pytest.mark.slow
def test_kills_at_random_moments_of_a_fit(tmp_path: Path) -> None:
    (found,) = asked(tmp_path, [{"do": "kill", "action": "fit", "random": STRIKES}])
    check([found])
    assert found["struck"] == STRIKES


@pytest.mark.slow
def test_kills_at_random_moments_of_what_comes_after(tmp_path: Path) -> None:
    jobs = {action: {"random": STRIKES} for action in (*AFTER, "label")}
    found = asked(tmp_path, after_a_fit(tmp_path, jobs))[1:]
    check(found)
    assert [job["struck"] for job in found] == [STRIKES] * len(jobs)
