"""Ctrl-C once and twice, SIGTERM, nobody left to read: an end within seconds, and the same bytes.

Each is checked to have struck. In `make test` at some moments, in `make test-all` at fifty each.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.forks import asked
from tests.faults.stopping import CODES

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


def test_some_moments(tmp_path: Path) -> None:
    jobs = [{"action": "fit", "how": how, "moments": 3, "seed": i} for i, how in enumerate(CODES)]
    found = asked("stopping", tmp_path, jobs)
    assert [job["wrong"] for job in found] == [[]] * len(jobs)
    assert all(job["struck"] > 0 for job in found)


@pytest.mark.slow
@pytest.mark.parametrize("action", ["fit", "learn"])
@pytest.mark.parametrize("how", CODES)
def test_fifty_moments(tmp_path: Path, how: str, action: str) -> None:
    (found,) = asked("stopping", tmp_path, [{"action": action, "how": how, "moments": 50}])
    assert found["wrong"] == []
    assert found["struck"] >= 40
