"""Where numba is absent or broken, no thread takes it to be there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from threading import Barrier
from concurrent.futures import ThreadPoolExecutor
from pictree.networks import fused

meet = Barrier(2)

def ask(_):
    meet.wait()
    return fused.is_here()

with ThreadPoolExecutor(2) as pool:
    print(list(pool.map(ask, range(2))))
"""


def test_two_threads_that_ask_at_once(tmp_path: Path) -> None:
    """The first one's import is still failing when the second comes."""
    (tmp_path / "numba.py").write_text("import time\ntime.sleep(0.3)\nraise ImportError('broken')")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "[False, False]\n", done.stderr
