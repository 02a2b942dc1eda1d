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


def places(job: dict[str, Any], total: int) -> list[int]:
    """Return before which changes to strike: every nth of a slice of all."""
    part, parts = job.get("slice", (0, 1))
    return list(range(job.get("first", 0), total, job.get("every", 1)))[part::parts]


class Moments:
    """Random moments of a command's time, which is learned as it goes: most of them strike."""

    def __init__(self, seconds: float, chance: random.Random) -> None:
        self.seconds, self.chance, self.last = seconds, chance, 0.0

    def next(self) -> float:
        self.last = self.chance.uniform(0, self.seconds)
        return self.last

    def learn(self, hit: bool) -> None:
        """Take in whether the command was still at work at the last moment."""
        self.seconds = self.seconds * 1.02 if hit else max(0.9 * self.seconds, self.last)


def strike_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Kill one command at each point of a job, or at random until so many struck; compare."""
    act, start, chance = ACTIONS[job["action"]], job.get("start"), random.Random(job.get("seed", 0))
    aside = (".tmp-",) if job["action"] in ("export", "predict", "label") else ()
    total, seconds = undisturbed(act, work, start)
    whole = digests(work, aside)
    if "keep" in job:
        shutil.copytree(work / "run", job["keep"])
    moments, wanted = Moments(seconds, chance), job.get("random", 0)
    points: list[int] = [] if wanted else places(job, total)
    struck, tried, wrong = 0, 0, []
    while tried < len(points) or (struck < wanted and tried < 5 * wanted):
        begin(work, start)
        if wanted:
            hits = killed(act, work, None, moments.next()) == STRUCK
            moments.learn(hits)
        else:
            hits = killed(act, work, points[tried]) == STRUCK
        if "twice" in job:
            hits &= killed(act, work, chance.randrange(total)) == STRUCK
        struck, tried = struck + hits, tried + 1
        if fault := harm(act, work, whole, aside):
            wrong.append([moments.last if wanted else points[tried - 1], *fault])
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
