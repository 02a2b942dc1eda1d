"""What a power cut may take: nothing is given its name before it is on the disk.

A file may be renamed only when it was synced at its present size, and the folder that it came to
must be synced before anything else is renamed. Then any prefix of what reached the disk is a state
in which a kill could have left the run, and `test_kills.py` tells what becomes of these.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

RECORDED = """
import os, sys
from pathlib import Path
import numpy as np

folder = str(Path(sys.argv[1]).resolve())
synced, unsynced, faults, renames = {}, None, [], 0
sync = os.fsync

def fsync(handle):
    global unsynced
    sync(handle)
    state = os.fstat(handle)
    synced[state.st_ino] = state.st_size
    if unsynced is not None and os.path.samestat(state, os.stat(unsynced)):
        unsynced = None

def hear(event, arguments):
    global unsynced, renames
    if event != "os.rename" or folder not in str(arguments[0]):
        return
    source, to = str(arguments[0]), str(arguments[1])
    renames += 1
    if "previous.safetensors" in to:  # the next write syncs this folder
        return
    state = os.stat(source)
    if synced.get(state.st_ino) != state.st_size:
        faults.append(f"{source} was not synced")
    if unsynced is not None:
        faults.append(f"{unsynced} was not synced before {to}")
    unsynced = os.path.dirname(to)

os.fsync = fsync
sys.addaudithook(hear)
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe

images = np.random.default_rng(0).integers(0, 255, (60, 8, 8)).astype(np.uint8)
changes = {"maps.methods": ["pca"], "clustering.k": "3"}
if sys.argv[2] == "dec":
    changes |= {"training.epochs": 2, "dec.updates": 1}
fit(images, folder + "/run", recipe=change(load_recipe(sys.argv[2]), **changes))
if sys.argv[2] == "quick":
    cut(folder + "/run", 2)
    add(folder + "/run", images[::-1, ::-1])
print(renames, faults)
"""


@pytest.mark.parametrize("recipe", ["quick", "dec"])
def test_nothing_gets_its_name_before_it_is_on_the_disk(tmp_path: Path, recipe: str) -> None:
    words = [sys.executable, "-c", RECORDED, str(tmp_path), recipe]
    done = subprocess.run(
        words,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    renames, faults = done.stdout.strip().split(" ", 1)
    assert int(renames) > 40
    assert faults == "[]"
