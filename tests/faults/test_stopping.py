"""Ctrl-C once and twice, SIGTERM, nobody left to read: an end within seconds, and the same bytes.

Each is checked to have struck.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.forks import asked
from tests.faults.stopping import CODES, PATIENCE, SAID

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


LONG_CALL = """
import ctypes, os, signal
from pictree.commands.stopping import listen

listen()
for number in (signal.SIGINT, signal.SIGTERM):
    signal.siginterrupt(number, False)  # the call below goes on after a signal
print("in it", flush=True)
ctypes.CDLL(None).read(os.pipe()[0], ctypes.create_string_buffer(1), 1)
"""


def wait_for_sleep(pid: int) -> None:
    """Wait until a process sleeps in a call, and has no signal waiting."""
    while True:
        said = Path(f"/proc/{pid}/status").read_text()
        if "State:\tS" in said and "ShdPnd:\t0000000000000000" in said:
            return


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(("number", "times"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_call_in_which_python_hears_nothing_is_ended_too(number: int, times: int) -> None:
    words = [sys.executable, "-c", LONG_CALL]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in it\n"
        for _ in range(times):
            wait_for_sleep(process.pid)
            process.send_signal(number)
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (128 + number, f"{SAID}\n")


@pytest.mark.slow
@pytest.mark.parametrize("action", ["fit", "learn"])
def test_fifty_moments(tmp_path: Path, action: str) -> None:
    """Thirteen of each way."""
    job = {"do": "stop", "action": action, "hows": list(CODES), "moments": 13}
    (found,) = asked(tmp_path, [job])
    assert found["wrong"] == []
    assert found["struck"] == 52
    assert found["slowest"] <= PATIENCE
