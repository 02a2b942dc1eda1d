"""Two Ray nodes on this machine, in a network that has nothing but loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from pictree.engine.base import WORKER_BYTES
from pictree.engine.on_ray import without_dashboard

ALONE = ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
ROOT = Path(__file__).parents[2]
NODE = {"num_cpus": 1, "object_store_memory": 80 << 20, "memory": WORKER_BYTES}


def two_nodes(**head: Any) -> tuple[Any, Any]:
    """Start a cluster of two nodes, or of the head alone if it is told how; return it and the
    second node. What asks for RAY_ADDRESS finds it."""
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    asked = NODE | {"include_dashboard": False} | head
    with without_dashboard():
        cluster = Cluster(initialize_head=True, head_node_args=asked)
    os.environ["RAY_ADDRESS"] = cluster.address
    return cluster, None if head else cluster.add_node(**NODE)


def done_alone(module: str, *words: object) -> dict[str, Any]:
    """Run a module of the tests where there is no other machine; return the JSON it prints."""
    pytest.importorskip("ray")
    if not _can_be_alone():
        pytest.skip("no network namespace can be made here")
    asked = [*ALONE, sys.executable, "-m", module, *map(str, words)]
    # One thread, as the workers have. Ray's sockets need a short path.
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    env.pop("RAY_ADDRESS", None)
    with tempfile.TemporaryDirectory(prefix="ray") as folder:
        done = subprocess.run(
            asked, cwd=ROOT, env=env | {"RAY_TMPDIR": folder}, capture_output=True, check=False
        )
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    return json.loads(done.stdout)


def _can_be_alone() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    return subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode == 0
