"""Commands killed, gone on with, and compared.

Each child ends by ``os._exit`` just before its n-th change of a file, or by SIGKILL at a random
moment.

Done by `tests.faults.parent`.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pictree.manifest import condition
from tests.faults.actions import ACTIONS
from tests.faults.forks import STRUCK, begin, digests, forked

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


class Killer:
    """Ends this process just before its n-th change below a folder: what is only read can wait."""

    def __init__(self, folder: Path, n: int | None) -> None:
        self.folder, self.n, self.count = str(folder), n, 0
        sys.addaudithook(self.hear)
        self._sync = os.fsync
        os.fsync = self.sync

    def hear(self, event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            event = CHANGES[0]
        if event in CHANGES and self.folder in str(arguments):
            self.strike()

    def sync(self, handle: int) -> None:
        self.strike()
        self._sync(handle)

    def strike(self) -> None:
        if self.count == self.n:
            os._exit(STRUCK)
        self.count += 1


def killed(
    act: Callable[[Path], None], work: Path, n: int | None, after: float | None = None
) -> int:
    """Do a command in a child that ends before its n-th change, or after some seconds."""

    def tell() -> None:
        killer = Killer(work, n)
        act(work)
        (work.parent / "operations").write_text(str(killer.count))

    return forked(tell, kill_after=after)


def undisturbed(act: Callable[[Path], None], work: Path, start: str | None) -> tuple[int, float]:
    """Do it once; return how many changes it makes, and its seconds."""
    begin(work, start)
    began = time.perf_counter()
    if killed(act, work, None) != 0:
        raise SystemExit("the undisturbed command failed")
    seconds = time.perf_counter() - began
    return int((work.parent / "operations").read_text()), seconds


def points(job: dict[str, Any], total: int, seconds: float, chance: random.Random) -> list[Any]:
    """Return where to strike: at changes, every nth of a slice of all, or at random moments."""
    if "random" in job:
        return [chance.uniform(0, seconds) for _ in range(job["random"])]
    part, parts = job.get("slice", (0, 1))
    every = range(job.get("first", 0), total, job.get("every", 1))
    return [n for number, n in enumerate(every) if number % parts == part]


def strike_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Kill one command at each point of a job, let it go on each time, and compare."""
    act, start, chance = ACTIONS[job["action"]], job.get("start"), random.Random(job.get("seed", 0))
    aside = (".tmp-",) if job["action"] in ("export", "predict", "label") else ()
    total, seconds = undisturbed(act, work, start)
    whole = digests(work, aside)
    if "keep" in job:
        shutil.copytree(work / "run", job["keep"])
    struck, wrong, all_points = 0, [], points(job, total, seconds, chance)
    for point in all_points:
        begin(work, start)
        hits = killed(act, work, *((None, point) if "random" in job else (point, None))) == STRUCK
        if "twice" in job:
            hits &= killed(act, work, chance.randrange(total)) == STRUCK
        struck += hits
        ended, now = killed(act, work, None), digests(work, aside)
        if ended == 0:
            now |= dict.fromkeys(condition(work / "run").bad, "not as its manifest says")
        if ended != 0 or now != whole:
            differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
            wrong.append([point, ended, differ[:9]])
    return {"changes": total, "points": len(all_points), "struck": struck, "wrong": wrong}
