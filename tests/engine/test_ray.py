"""Ray on two nodes of this machine, where there is no network but loopback."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.engine.choose import open_engine
from pictree.errors import RunError
from pictree.pipeline.fit import fit
from pictree.progress import Progress
from tests.pipeline.conftest import small_recipe
from tests.pipeline.test_engines import digest

ALONE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
ROOT = Path(__file__).parents[2]


def can_be_alone() -> bool:
    """Tell whether this machine lets us have a network of our own."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def two_nodes(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> tuple[Path, dict]:
    """The folder of what was done on two nodes, and what was told of it."""
    pytest.importorskip("ray")
    if not can_be_alone():
        pytest.skip("no network namespace can be made here")
    folder = tmp_path_factory.mktemp("ray")
    images = digits[0][:660].copy()
    images[[599, 300, 200, 401]] = images[[0, 0, 10, 200]]
    np.save(folder / "digits.npy", images)
    words = [sys.executable, "-m", "tests.engine.on_two_nodes", folder / "digits.npy", folder]
    done = subprocess.run([*ALONE, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_two_nodes_give_the_same_bytes(
    two_nodes: tuple[Path, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, _ = two_nodes
    monkeypatch.setattr("pictree.pipeline.fit.shard_rows_for", lambda _: 150)
    fit(folder / "digits.npy", folder / "local", recipe=small_recipe())
    assert digest(folder / "run") == digest(folder / "local")


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_node(two_nodes: tuple[Path, Any]) -> None:
    for what, shards in (("killed", {2}), ("lost", set(range(5)))):
        found = two_nodes[1][what]
        assert found["struck"]
        assert found["done"] == [0, 1, 2, 3, 4]
        assert len(found["told"]) == 1
        assert " died (" in found["told"][0]
        assert found["told"][0].endswith(tuple(f": shard {s} is done again" for s in shards))
    assert two_nodes[1]["killed"]["count"] == 2
    assert two_nodes[1]["lost"]["count"] == 1


@pytest.mark.slow
def test_a_stopped_worker_is_told(two_nodes: tuple[Path, Any]) -> None:
    found = two_nodes[1]["stopped"]
    assert found["struck"]
    assert found["done"] == [0, 1, 2, 3, 4]
    assert "which does shard 1, has been silent for " in found["told"][0]
    assert found["told"][0].endswith(" s: it is stopped, or its machine is overloaded")


@pytest.mark.slow
def test_too_small_machines_are_refused(two_nodes: tuple[Path, Any]) -> None:
    assert two_nodes[1]["small"] == (
        "--engine ray needs a machine with a core and 1.5 GiB for a worker; got machines with "
        "these cores and GiB: 1 and 0.2. Start larger machines, or leave --engine out."
    )


def test_an_address_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(RunError) as error:
        open_engine("ray", Progress())
    assert str(error.value) == (
        "RAY_ADDRESS must be that of a running Ray cluster; got 127.0.0.1:9 (Connection refused). "
        "Start one with `ray start --head`, or unset RAY_ADDRESS."
    )
