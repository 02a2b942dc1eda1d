"""A Ray cluster of two nodes on this machine, and what the tests ask of it: PICTURES FOLDER.

To be started where there is no network but loopback. Prints one JSON object.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pictree.engine.base import WORKER_BYTES
from pictree.engine.on_ray import Ray
from pictree.errors import RunError
from pictree.pipeline import fit as fitting
from pictree.progress import Progress
from tests.engine import jobs
from tests.pipeline.conftest import small_recipe

NODE = {"num_cpus": 1, "object_store_memory": 80 << 20}


class Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)
        if "silent" in text:  # let it go on
            os.kill(int(text.split(",")[0].rsplit(":")[-1]), signal.SIGCONT)


def shards_done(work: Callable[..., int], folder: Path, **options: Any) -> dict[str, Any]:
    folder.mkdir()
    told = Told()
    with Ray(told, **options) as engine:
        done = sorted(r.shard for r in engine.map(partial(work, folder), range(5)))
    struck = (folder / "struck").exists()
    return {"done": done, "struck": struck, "told": told.lines, "count": engine.count}


def lose(cluster: Any, node: Any, folder: Path) -> None:
    """Take a node away when work runs on both, then let the work go on."""
    while len(list(folder.glob("*-*"))) < 2:
        time.sleep(0.05)
    cluster.remove_node(node, allow_graceful=False)
    (folder / "struck").touch()


def main(pictures: str, folder: Path) -> None:
    import ray
    from ray.cluster_utils import Cluster

    found: dict[str, Any] = {}
    head = NODE | {"memory": WORKER_BYTES, "include_dashboard": False}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    second = cluster.add_node(**NODE, memory=WORKER_BYTES)
    ray.init(address=cluster.address, log_to_driver=False)
    fitting.shard_rows_for = lambda _: 150  # type: ignore[assignment]
    fitting.fit(pictures, folder / "run", recipe=small_recipe(), engine="ray")
    found["killed"] = shards_done(jobs.die_once, folder / "killed")
    found["stopped"] = shards_done(jobs.stop_once, folder / "stopped", silent_seconds=15.0)
    thread = threading.Thread(target=lose, args=(cluster, second, folder / "lost"))
    thread.start()
    found["lost"] = shards_done(jobs.wait_for_loss, folder / "lost")
    thread.join()
    ray.shutdown()
    cluster.shutdown()
    cluster = Cluster(initialize_head=True, head_node_args=head | {"memory": 200 << 20})
    os.environ["RAY_ADDRESS"] = cluster.address
    try:
        Ray(Progress())
    except RunError as error:
        found["small"] = str(error)
    cluster.shutdown()
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
