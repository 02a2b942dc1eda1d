"""What is asked of Ray, where there is no other machine. Prints one JSON object alone.

alone FOLDER               a Ray of our own, where one was killed before
faults FOLDER              two nodes: a worker killed, one stopped, a node lost; a machine too small
fit PICTURES NEW RUN ROWS  a fit by two nodes, then `predict` and `add`
train PICTURES RUN         a training by two nodes, of which one is lost
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pictree.engine.base import Local
from pictree.engine.on_ray import Ray
from pictree.errors import RunError
from pictree.pipeline import fit as fitting
from pictree.pipeline.add import add
from pictree.pipeline.predict import predict
from pictree.progress import Progress
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.engine import jobs, one_fit
from tests.engine.killing import actors_of, raylet_of
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
    """Fit on two nodes, and tell whether they place and add new pictures as this process does."""
    cluster, _ = two_nodes()
    one_fit.main(pictures, run, "ray", rows)
    tables = [Path(f"{run}-{engine}.csv") for engine in ("ray", "local")]
    for table, engine in zip(tables, ("ray", "local"), strict=True):
        predict(run, new, output=table, engine=engine)
    runs = [Path(shutil.copytree(run, f"{run}-{engine}")) for engine in ("ray", "local")]
    for added, engine in zip(runs, ("ray", "local"), strict=True):
        add(added, new, engine=engine)
    cluster.shutdown()
    told = [table.read_text() for table in tables]
    same, told_of = told[0] == told[1], [one_fit.untimed(run) for run in runs]
    assert any(name.startswith("added/") for name in told_of[0])
    return {"rows": told[0].count("\n"), "same": same, "added": told_of[0] == told_of[1]}


class Strikes(Progress):
    """Kills a worker in the second epoch, and takes the second node away from the fourth on."""

    def __init__(self, cluster: Any, second: Any) -> None:
        self.lines: list[str] = []
        self._head = cluster.head_node
        self._of = {1: self._kill, 3: partial(cluster.remove_node, second, allow_graceful=False)}

    def say(self, text: str) -> None:
        self.lines.append(text)

    def figures(self, row: Any) -> None:
        strike = self._of.get(row.get("epoch"))
        if strike is not None:
            threading.Timer(0.3, strike).start()

    def _kill(self) -> None:
        os.kill(actors_of(raylet_of(self._head))[0], signal.SIGKILL)


class Alone(Local):
    """What is left where the other machine went away after the first count."""

    def crowd(self) -> int:
        return 2


def train(pictures: str, run: str) -> dict[str, Any]:
    """Train on two nodes; then as much in this process."""
    values = {"training.epochs": 12, "training.batch_size": 64, "clustering.k": 5}
    recipe = change(load_recipe("large-1568"), **values, **{"maps.methods": ["pca"]})
    told = Strikes(*two_nodes())
    fitting.fit(pictures, run, recipe=recipe, engine="ray", progress=told)
    fitting.open_engine = lambda *_: Alone()  # type: ignore[assignment]
    fitting.fit(pictures, f"{run}-alone", recipe=recipe)
    return {
        "again": [line for line in told.lines if line.endswith("is begun again")],
        "same": one_fit.untimed(Path(run)) == one_fit.untimed(Path(f"{run}-alone")),
        "parts": Run(run).info["parts"],
    }


if __name__ == "__main__":
    asked = {"alone": alone, "faults": faults, "fit": fit, "train": train}[sys.argv[1]]
    sys.stdout.write(json.dumps(asked(*sys.argv[2:])) + "\n")
