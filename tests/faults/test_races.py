"""Several processes into one folder at the same moment: one gets it, the others are told."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RACES = """
import os, sys
from pathlib import Path
from pictree.errors import RunError
from pictree.locks import hold

def contend(folder, ready, end, said):
    os.read(ready, 1)
    try:
        with hold(folder):
            os.write(said, b"1")
            os.read(end, 1)
            if os.getpid() % 2:  # half of the winners are killed
                os._exit(9)
    except RunError as error:
        told = str(error)
        fine = "Only one process may write a run; got" in told and "in use by" in told
        os.write(said, b"0" if fine else b"x")

folder, results = Path(sys.argv[1]), []
for race in range(int(sys.argv[2])):
    ready, end, said = os.pipe(), os.pipe(), os.pipe()
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                contend(folder, ready[0], end[0], said[1])
            finally:
                os._exit(0)
        children.append(child)
    os.write(ready[1], b"...")
    results.append("".join(sorted(os.read(said[0], 1).decode() for _ in range(3))))
    os.write(end[1], b"...")
    for child in children:
        os.waitpid(child, 0)
    for pair in (ready, end, said):
        for handle in pair:
            os.close(handle)
print(len(results), sorted(set(results)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("races", [100, pytest.param(1000, marks=pytest.mark.slow)])
def test_each_race_has_one_winner_and_a_killed_one_holds_nothing(
    tmp_path: Path, races: int
) -> None:
    words = [sys.executable, "-c", RACES, str(tmp_path / "run"), str(races)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == f"{races} ['001']\n"
