"""A disk that is full, refuses or breaks at any operation: one sentence; then the same bytes.

Each fault is checked to have struck.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.faults.forks import asked

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
AFTER = ("add", "predict", "export")
SLICES = 6


def check(found: list[dict[str, Any]]) -> None:
    """Every fault struck, most were told, none did harm."""
    assert [job["wrong"] for job in found] == [[] for _ in found]
    for job in found:
        assert job["struck"] == job["points"] > 0
        assert job["told"] > 0.7 * job["points"]


@pytest.mark.slow
@pytest.mark.parametrize("part", range(SLICES))
def test_every_operation_of_a_fit_finds_the_disk_full(tmp_path: Path, part: int) -> None:
    job = {"do": "fail", "action": "fit", "error": "ENOSPC", "lasts": True, "slice": (part, SLICES)}
    check(asked(tmp_path, [job]))


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EDQUOT", "EIO"])
def test_every_third_operation_of_a_fit_fails_once(tmp_path: Path, error: str) -> None:
    check(asked(tmp_path, [{"do": "fail", "action": "fit", "error": error, "every": 3}]))


@pytest.mark.slow
@pytest.mark.parametrize("action", AFTER)
@pytest.mark.parametrize(("error", "lasts"), [("ENOSPC", True), ("EROFS", False), ("EIO", False)])
def test_every_operation_of_what_comes_after_fails(
    tmp_path: Path, action: str, error: str, lasts: bool
) -> None:
    kept = str(tmp_path / "kept")
    first = {"do": "fail", "action": "fit", "error": error, "keep": kept, "every": 1000}
    job = {"do": "fail", "action": action, "error": error, "lasts": lasts, "start": kept}
    check(asked(tmp_path, [first, job])[1:])
