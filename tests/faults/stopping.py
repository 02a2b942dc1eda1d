"""Commands stopped by signals and by a closed pipe; what they say, leave, and come to afterwards.

Done by `tests.faults.parent`.
"""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

from tests.faults.commands import GUARDED, prepare, saying
from tests.faults.forks import begin, digests, forked, started

SAID = "pictree: stopped. Run the same command again to go on (`pictree fit`: with --resume)."
CODES = {"SIGINT": 130, "SIGTERM": 143, "twice": 130, "pipe": 1}
PATIENCE = 5.0


def close_output() -> None:
    """Give the command a pipe for what it says that nobody reads any more."""
    reader, writer = os.pipe()
    os.close(reader)
    os.dup2(writer, 1)
    os.dup2(writer, 2)


def stop(work: Path, action: str, how: str, after: float) -> dict[str, Any]:
    """Begin a command, stop it after some seconds; tell how it ended."""
    child = started(saying(work, action, close_output if how == "pipe" else None))
    while not (work.parent / "err").exists():  # the command has not begun
        time.sleep(0.001)
    began = time.monotonic()
    if how != "pipe":
        time.sleep(after)
        os.kill(child, signal.SIGTERM if how == "SIGTERM" else signal.SIGINT)
    if how == "twice":
        time.sleep(0.02)
        _signal(child)
    status = _wait(child, PATIENCE + (20 if how == "pipe" else 0))
    ended = None if status is None else os.waitstatus_to_exitcode(status)
    return {"code": ended, "seconds": time.monotonic() - began - after, "orphans": _orphans(child)}


def _signal(child: int) -> None:
    try:
        os.kill(child, signal.SIGINT)
    except ProcessLookupError:
        return


def _wait(child: int, patience: float) -> int | None:
    """Wait for a child; kill one that has not ended in time, and return None."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return status
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _orphans(group: int) -> bool:
    """Tell whether anything of a process group outlives its leader by more than 2 seconds."""
    until = time.monotonic() + 2
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.02)
    os.killpg(group, signal.SIGKILL)
    return True


def complaint(work: Path, how: str, end: dict[str, Any]) -> str | None:
    """Return what is wrong with an end."""
    said = (work.parent / "err").read_text()
    if end["orphans"]:
        return "left a process behind"
    if end["code"] != CODES[how]:
        return f"exit {end['code']}: {said[-900:]}"
    if "Traceback" in said or "Exception ignored" in said:
        return said[-900:]
    if how != "pipe" and said.strip().splitlines()[-1] != SAID:
        return f"said {said[-300:]}"
    return None


def stop_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Stop one command at random moments, each way in turn; let it go on, and compare.

    A moment that comes after the end is no stop: its way is tried again, a little earlier.
    """
    action, chance = job["action"], random.Random(job.get("seed", 0))
    seconds, whole = undisturbed(work, action)
    struck, wrong, slowest, late = 0, [], 0.0, 0
    ways = job["hows"] * job["moments"]
    while struck < len(ways) and late < 2 * len(ways):
        how = ways[struck]
        prepare(begun(work), GUARDED)
        after = chance.uniform(0.05, 0.95) * seconds
        end = stop(work, action, how, after)
        if end["code"] == 0:  # it had ended before
            seconds, late = max(0.9 * seconds, after), late + 1
            continue
        struck, slowest = struck + 1, max(slowest, 0 if how == "pipe" else end["seconds"])
        fault = complaint(work, how, end)
        again, now = forked(saying(work, action)), digests(work)
        if fault is None and (again != 0 or now != whole):
            differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
            fault = f"again {again}: {differ[:9]} {(work.parent / 'err').read_text()[-300:]}"
        if fault is not None:
            wrong.append([how, after, fault])
    return {"struck": struck, "wrong": wrong, "slowest": round(slowest, 2)}


def begun(work: Path) -> Path:
    begin(work, None)
    return work


def undisturbed(work: Path, action: str) -> tuple[float, dict[str, str]]:
    """Do it once; return its seconds, and what it wrote."""
    prepare(begun(work), GUARDED)
    began = time.monotonic()
    if forked(saying(work, action)) != 0:
        raise SystemExit((work.parent / "err").read_text())
    return time.monotonic() - began, digests(work)
