"""A file of a run that is cut, emptied or gone, and pictures that fail under the reader."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
COMMANDS = ["predict", "report", "export", "cut", "find", "verify"]
WAYS = ["error", "gone", "halved"]


@pytest.mark.slow
def test_every_file_is_spoiled(tmp_path: Path) -> None:
    found = asked(tmp_path, [{"do": "spoil", "commands": [command]} for command in COMMANDS])
    assert [job["wrong"] for job in found] == [[] for _ in COMMANDS]
    assert min(job["told"] for job in found) > 0


@pytest.mark.slow
def test_every_second_opening_of_a_picture_fails(tmp_path: Path) -> None:
    jobs = [{"do": "read", "way": way, "openings": 80, "first": 0, "every": 2} for way in WAYS]
    assert asked(tmp_path, jobs) == [{"struck": 40, "wrong": []} for _ in WAYS]
