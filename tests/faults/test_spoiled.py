"""A file of a run that is cut, emptied or gone, and pictures that fail under the reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
COMMANDS = ["predict", "report", "export", "cut", "find", "verify"]
WAYS = ["error", "gone", "halved"]


def test_some_files_are_spoiled(tmp_path: Path) -> None:
    """A picture that fails has an outcome, and the fit goes on."""
    jobs = [
        {"commands": COMMANDS, "first": 5, "every": 53},
        *({"way": way, "openings": 80, "first": 11 + 40 * i, "every": 200}
          for i, way in enumerate(WAYS[:2])),
    ]  # fmt: skip
    found = asked("spoiling", tmp_path, jobs)
    assert [job["wrong"] for job in found] == [[]] * len(jobs)
    assert found[0]["told"] > 0.2 * found[0]["cases"]
    assert [job["struck"] for job in found[1:]] == [1, 1]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_file_is_spoiled(tmp_path: Path, command: str) -> None:
    (found,) = asked("spoiling", tmp_path, [{"commands": [command]}])
    assert found["wrong"] == []
    assert found["told"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_opening_of_a_picture_fails(tmp_path: Path, way: str) -> None:
    job = {"way": way, "openings": 80, "first": 0, "every": 2}
    (found,) = asked("spoiling", tmp_path, [job])
    assert found == {"struck": 40, "wrong": []}
