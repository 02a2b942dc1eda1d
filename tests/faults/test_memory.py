"""A hundred fits in one process: memory stays flat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FITS = """
import json, os, shutil, sys
from pathlib import Path
from tests.faults.actions import do_fit

work, curve = Path(sys.argv[1]), []
for _ in range(100):
    do_fit(work)
    shutil.rmtree(work / "run")
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    curve.append(pages * os.sysconf("SC_PAGE_SIZE") >> 20)
print(json.dumps(curve))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_a_hundred_fits_take_no_more_memory_than_twenty(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FITS, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    curve = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert np.median(curve[-10:]) - np.median(curve[15:25]) < 40
