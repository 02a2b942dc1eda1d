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
    """Ends this process just before its n-th change below a folder.

    What is only read can wait, and so can what is only synced: a kill leaves the same before and
    after it (`tests/faults/test_synced.py` sees to power cuts).
    """

    def __init__(self, folder: Path, n: int | None) -> None:
        self.folder, self.n, self.count = str(folder), n, 0
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES:
            event = CHANGES[0]
        if event in CHANGES and self.folder in str(arguments):
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


class Blows:
    """Where to strike next, and whether that did: before each change of a job, once."""

    def __init__(self, act: Callable[[Path], None], work: Path, points: list[int]) -> None:
        self.act, self.work, self.points = act, work, points
        self.wanted, self.last = len(points), ()

    def strike(self, tried: int) -> bool:
        """Kill; return whether the command was still at work."""
        self.last = (self.points[tried],)
        return killed(self.act, self.work, *self.last) == STRUCK


class Pairs(Blows):
    """Before a random change, and before one of what was left to do then."""

    def __init__(self, act: Callable[[Path], None], work: Path, total: int, job: dict) -> None:
        super().__init__(act, work, [])
        self.total, self.wanted, self.chance = total, job["pairs"], random.Random(job["seed"])

    def strike(self, tried: int) -> bool:
        first = self.chance.randrange(self.total)
        self.last = (first, self.chance.randrange(self.total - first))
        hits = [killed(self.act, self.work, n) == STRUCK for n in self.last]
        return all(hits)


class Moments(Blows):
    """By SIGKILL at random moments of a command's time, which is learned: most of them strike."""

    def __init__(self, act: Callable[[Path], None], work: Path, seconds: float, job: dict) -> None:
        super().__init__(act, work, [])
        self.seconds, self.wanted = seconds, job["random"]
        self.chance = random.Random(job.get("seed", 0))

    def strike(self, tried: int) -> bool:
        after = self.chance.uniform(0, self.seconds)
        self.last = (after,)
        hit = killed(self.act, self.work, None, after) == STRUCK
        self.seconds = self.seconds * 1.02 if hit else max(0.9 * self.seconds, after)
        return hit


def blows(job: dict[str, Any], work: Path, total: int, seconds: float) -> Blows:
    """Return how a job's command is to be killed."""
    act = ACTIONS[job["action"]]
    if "random" in job:
        return Moments(act, work, seconds, job)
    if "pairs" in job:
        return Pairs(act, work, total, job)
    return Blows(act, work, list(range(job.get("first", 0), total, job.get("every", 1))))


def strike_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Kill one command as a job says, until so many kills struck; let it go on, and compare."""
    act, start = ACTIONS[job["action"]], job.get("start")
    aside = (".tmp-",) if job["action"] in ("export", "predict", "label") else ()
    total, seconds = undisturbed(act, work, start)
    whole = digests(work, aside)
    if "keep" in job:
        shutil.copytree(work / "run", job["keep"])
    by = blows(job, work, total, seconds)
    struck, tried, wrong = 0, 0, []
    while struck < by.wanted and tried < (len(by.points) or 5 * by.wanted):
        begin(work, start)
        struck, tried = struck + by.strike(tried), tried + 1
        if fault := harm(act, work, whole, aside):
            wrong.append([*by.last, *fault])
    return {"changes": total, "points": tried, "struck": struck, "wrong": wrong}


def harm(
    act: Callable[[Path], None], work: Path, whole: dict[str, str], aside: tuple[str, ...]
) -> list[Any]:
    """Let a command go on; return how what it leaves differs from the undisturbed."""
    ended, now = killed(act, work, None), digests(work, aside)
    if ended == 0:
        now |= dict.fromkeys(condition(work / "run").bad, "not as its manifest says")
    differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
    return [ended, differ[:9]] if ended != 0 or differ else []
