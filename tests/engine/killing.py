"""Fits on two Ray nodes, with random kills: PICTURES FOLDER WORKERS DRIVERS NODES SEED [SECONDS].

Prints one JSON object: how many of each struck, the number of runs under which they did, and the
hashes of these. A kill of a worker or node counts when its driver was heard to tell of it; the
others are tried again. After SECONDS no more are. "gave up" counts the drivers that ended because
one shard was killed thrice.
"""

from __future__ import annotations

import json
import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.engine.nodes import NODE, two_nodes
from tests.engine.one_fit import digest, words

ROWS = 40


class Kills:
    """Strikes one fit after another until each kind of kill has struck as often as asked."""

    def __init__(self, kinds: dict[str, int], seed: int, seconds: float) -> None:
        self.random, self.end = random.Random(seed), time.monotonic() + seconds
        self.todo = [kind for kind, count in kinds.items() for _ in range(count)]
        self.random.shuffle(self.todo)
        self.struck: Counter[str] = Counter()
        self.cluster, self.second = two_nodes()

    def fit(self, pictures: Path, run: Path) -> None:
        """Make one run, whatever it takes."""
        asked = words(pictures, run, "ray", ROWS)
        while True:
            told = run.with_suffix(".txt")
            with told.open("a") as file:
                driver = subprocess.Popen(asked, stderr=file)
            while driver.poll() is None and self.todo:
                self._strike(driver, run, told)
                if time.monotonic() > self.end:
                    self.todo.clear()
            if driver.wait() == 0:
                return
            gave_up = "EngineError" in told.read_text()
            assert gave_up or driver.returncode == -signal.SIGKILL, told.read_text()[-3000:]
            self.struck["gave up"] += driver.returncode != -signal.SIGKILL
            asked = [*words(pictures, run, "ray", ROWS), "--resume"]

    def _strike(self, driver: Any, run: Path, told: Path) -> None:
        """Wait for some more shards, then kill what is next, and see whether it struck."""
        wanted = _files(run) + self.random.randint(1, 8)
        while driver.poll() is None and _files(run) < wanted:
            time.sleep(0.002)
        kind, deaths = self.todo[-1], _deaths(told)
        if kind == "driver":
            driver.kill()
            struck = driver.wait() == -signal.SIGKILL
        else:
            is_sent = self._kill_worker() if kind == "worker" else self._kill_node()
            while is_sent and driver.poll() is None and _deaths(told) == deaths:
                time.sleep(0.01)
            struck = _deaths(told) > deaths
        if struck:
            self.struck[self.todo.pop()] += 1

    def _kill_worker(self) -> bool:
        nodes = [self.cluster.head_node, self.second]
        pids = [pid for node in nodes for pid in actors_of(raylet_of(node))]
        if not pids:
            return False
        try:
            os.kill(self.random.choice(pids), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _kill_node(self) -> bool:
        """Take the second machine away, and put another in its place."""
        is_busy = bool(actors_of(raylet_of(self.second)))
        if is_busy:
            self.cluster.remove_node(self.second, allow_graceful=False)
            self.second = self.cluster.add_node(**NODE)
        return is_busy


def _files(run: Path) -> int:
    """Return how many files the workers have left."""
    kinds = ("stocking/*", "images", "pixels", "codes", "errors")
    return sum(1 for kind in kinds for _ in run.glob(f"{kind}/[0-9]*"))


def _deaths(told: Path) -> int:
    return told.read_text().count(" died (")


def raylet_of(node: Any) -> int:
    """Return a node's own process."""
    return node.all_processes["raylet"][0].process.pid


def actors_of(raylet: int) -> list[int]:
    """Return the node's worker processes that are ours."""
    try:
        children = Path(f"/proc/{raylet}/task/{raylet}/children").read_text().split()
    except OSError:
        return []
    return [pid for pid in map(int, children) if _title(pid).startswith("ray::_Remote")]


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def main(pictures: Path, folder: Path, *numbers: str) -> None:
    workers, drivers, nodes, seed, *seconds = map(int, numbers)
    kinds = {"worker": workers, "driver": drivers, "node": nodes}
    kills, found, told = Kills(kinds, seed, *seconds or [math.inf]), [], {}
    while kills.todo:
        run = folder / str(len(found))
        kills.fit(pictures, run)
        found.append(digest(run))
        shutil.rmtree(run)
        told = {"struck": kills.struck, "runs": len(found), "hashes": sorted(set(found))}
        print(json.dumps(told), file=sys.stderr, flush=True)  # noqa: T201
    kills.cluster.shutdown()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
