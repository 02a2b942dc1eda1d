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


def check(found: list[dict[str, Any]]) -> None:
    """Every fault struck, most were told, none did harm."""
    assert [job["wrong"] for job in found] == [[] for _ in found]
    for job in found:
        assert job["struck"] == job["points"] > 0
        assert job["told"] > 0.7 * job["points"]


@pytest.mark.slow
def test_every_operation_of_a_fit_finds_the_disk_full(tmp_path: Path) -> None:
    job = {"do": "fail", "action": "fit and draw", "error": "ENOSPC", "lasts": True}
    check(asked(tmp_path, [job]))


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EDQUOT", "EIO"])
def test_every_third_operation_of_a_fit_fails_once(tmp_path: Path, error: str) -> None:
    check(asked(tmp_path, [{"do": "fail", "action": "fit", "error": error, "every": 3}]))


@pytest.mark.slow
@pytest.mark.parametrize(("error", "lasts"), [("ENOSPC", True), ("EROFS", False), ("EIO", False)])
def test_every_operation_of_what_comes_after_fails(tmp_path: Path, error: str, lasts: bool) -> None:
    kept = str(tmp_path / "kept")
    shared = {"do": "fail", "error": error}
    first = {**shared, "action": "fit", "keep": kept, "every": 1000}
    jobs = [{**shared, "action": action, "lasts": lasts, "start": kept} for action in AFTER]
    check(asked(tmp_path, [first, *jobs])[1:])
