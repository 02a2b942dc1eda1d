"""Ctrl-C once and twice, SIGTERM, nobody left to read: an end within seconds, and the same bytes.

Each is checked to have struck.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.forks import asked
from tests.faults.stopping import CODES, PATIENCE

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.slow
@pytest.mark.parametrize("action", ["fit", "learn"])
@pytest.mark.parametrize("how", CODES)
def test_fifty_moments(tmp_path: Path, how: str, action: str) -> None:
    job = {"do": "stop", "action": action, "hows": [how], "moments": 50}
    (found,) = asked(tmp_path, [job])
    assert found["wrong"] == []
    assert found["struck"] >= 40
    assert found["slowest"] <= PATIENCE
