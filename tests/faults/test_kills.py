"""Killed anywhere, the same command again ends with the same bytes as if nothing had happened.

Each kill is checked to have struck. In slices of some minutes each.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.actions import ACTIONS
from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
SLICES = 4
RANDOM = 200
"""So many kills at random moments are to strike each of five commands: a thousand in all."""


def struck(found: list[dict[str, Any]]) -> int:
    """Return how many kills struck; every one of them must have done no harm."""
    assert [job["wrong"] for job in found] == [[] for _ in found]
    return sum(job["struck"] for job in found)


def fitted(folder: Path) -> dict[str, Any]:
    """Return a job that keeps a run for the jobs after it."""
    return {"do": "kill", "action": "fit", "first": 10**6, "keep": str(folder / "kept")}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLICES))
def test_a_kill_before_every_change_of_a_fit(tmp_path: Path, part: int) -> None:
    found = asked(tmp_path, [{"do": "kill", "action": "fit", "slice": (part, SLICES)}])
    assert struck(found) == found[0]["points"] >= found[0]["changes"] // SLICES > 50


@pytest.mark.slow
@pytest.mark.parametrize("action", ["add", "predict", "export"])
def test_a_kill_before_every_change_of_what_comes_after(tmp_path: Path, action: str) -> None:
    job = {"do": "kill", "action": action, "start": str(tmp_path / "kept")}
    found = asked(tmp_path, [fitted(tmp_path), job])
    assert struck(found) == found[1]["changes"] > 5


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLICES))
def test_a_kill_while_going_on_after_a_kill(tmp_path: Path, part: int) -> None:
    """The second may come after the end of what was left to do: then it did not strike."""
    job = {"do": "kill", "action": "fit", "twice": True, "slice": (part, SLICES), "seed": part}
    found = asked(tmp_path, [job])
    assert struck(found) > found[0]["points"] // 3


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("action", ACTIONS)
def test_kills_at_random_moments(tmp_path: Path, action: str, part: int) -> None:
    job = {"do": "kill", "action": action, "random": RANDOM // SLICES, "seed": part}
    if action != "fit":
        job["start"] = str(tmp_path / "kept")
    found = asked(tmp_path, [fitted(tmp_path), job])
    assert struck(found) == job["random"]
