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
@pytest.mark.parametrize("command", COMMANDS)
def test_every_file_is_spoiled(tmp_path: Path, command: str) -> None:
    (found,) = asked(tmp_path, [{"do": "spoil", "commands": [command]}])
    assert found["wrong"] == []
    assert found["told"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
def test_every_opening_of_a_picture_fails(tmp_path: Path, way: str) -> None:
    job = {"do": "read", "way": way, "openings": 80, "first": 0, "every": 2}
    (found,) = asked(tmp_path, [job])
    assert found == {"struck": 40, "wrong": []}
