"""What is asked of Ray, where there is no other machine. Prints one JSON object alone.

alone FOLDER               a Ray of our own, where one was killed before
faults FOLDER              two nodes: a worker killed, one stopped, a node lost; a machine too small
fit PICTURES RUN ROWS      a fit by two nodes
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

from pictree.engine.on_ray import Ray
from pictree.errors import RunError
from pictree.pipeline.predict import predict
from pictree.progress import Progress
from tests.engine import jobs, one_fit
from tests.engine.nodes import two_nodes


class Told(Progress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)
        if "silent" in text:  # let it go on
            os.kill(int(text.split(",")[0].rsplit(":")[-1]), signal.SIGCONT)


class Greedy(Ray):
    """Asks for a worker more than there is room for."""

    def _capacity(self) -> int:
        return super()._capacity() + 1


def shards_done(
    work: Callable[..., int], folder: Path, of: type[Ray] = Ray, **options: Any
) -> dict[str, Any]:
    folder.mkdir()
    told = Told()
    with of(told, **options) as engine:
        receipts = list(engine.map(partial(work, folder), range(5)))
    return {
        "done": sorted(receipt.shard for receipt in receipts),
        "images": [receipt.images for receipt in receipts],
        "struck": (folder / "struck").exists(),
        "told": told.lines,
        "count": engine.count,
    }


def lose(cluster: Any, node: Any, folder: Path) -> None:
    """Take a node away when work runs on both, then let the other go on."""
    while len(list(folder.glob("*-*"))) < 2:
        time.sleep(0.05)
    (folder / "new").write_text(node.node_id)
    cluster.remove_node(node, allow_graceful=False)
    (folder / "new").rename(folder / "struck")


def alone(folder: str) -> dict[str, Any]:
    """Use a Ray of our own; an old one left its address, where nobody listens."""
    left = Path(os.environ["RAY_TMPDIR"], "ray", "ray_current_cluster")
    left.parent.mkdir()
    left.write_text("127.0.0.1:9")
    with Ray(Progress()):  # is there for both
        found = {"killed": shards_done(jobs.die_once, Path(folder, "killed"))}
        return found | {"greedy": shards_done(jobs.niceness, Path(folder, "greedy"), Greedy)}


def faults(folder: str) -> dict[str, Any]:
    """Let workers and a node fail, then start machines that are too small."""
    cluster, second = two_nodes()
    found = {"killed": shards_done(jobs.die_once, Path(folder, "killed"))}
    found["stopped"] = shards_done(jobs.stop_once, Path(folder, "stopped"), silent_seconds=8.0)
    lost = Path(folder, "lost")
    thread = threading.Thread(target=lose, args=(cluster, second, lost))
    thread.start()
    found["lost"] = shards_done(jobs.wait_for_loss, lost)
    thread.join()
    cluster.shutdown()
    cluster, _ = two_nodes(memory=200 << 20)
    try:
        Ray(Progress())
    except RunError as error:
        found["small"] = {"told": [str(error)]}
    cluster.shutdown()
    return found


def fit(pictures: str, new: str, run: str, rows: str) -> dict[str, Any]:
    """Fit on two nodes, and tell whether they place new pictures as this process does."""
    cluster, _ = two_nodes()
    one_fit.main(pictures, run, "ray", rows)
    tables = [Path(f"{run}-{engine}.csv") for engine in ("ray", "local")]
    for table, engine in zip(tables, ("ray", "local"), strict=True):
        predict(run, new, output=table, engine=engine)
    cluster.shutdown()
    told = [table.read_text() for table in tables]
    return {"rows": told[0].count("\n"), "same": told[0] == told[1]}


if __name__ == "__main__":
    asked = {"alone": alone, "faults": faults, "fit": fit}[sys.argv[1]]
    sys.stdout.write(json.dumps(asked(*sys.argv[2:])) + "\n")
