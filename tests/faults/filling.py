"""A fit on a disk of its own that is truly full after so many kilobytes; gone on with, compared.

Done by `tests.faults.parent`.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pictree.manifest import condition
from tests.faults.commands import prepare, saying
from tests.faults.failing import complaint
from tests.faults.forks import begin, digests, forked

ROOM = 64 << 10
"""Kilobytes of a disk that is not full."""


@contextmanager
def disk(work: Path, kilobytes: int) -> Iterator[None]:
    """Make a file system of that size out of a folder."""
    _mount(work, f"size={kilobytes}k")
    try:
        yield
    finally:
        subprocess.run(["umount", str(work)], check=True)


def resize(work: Path, kilobytes: int) -> None:
    """Let a file system have that many kilobytes in all."""
    _mount(work, f"remount,size={kilobytes}k")


def used(work: Path) -> int:
    """Return how many kilobytes of a file system are taken."""
    state = os.statvfs(work)
    return (state.f_blocks - state.f_bfree) * state.f_frsize >> 10


def may_mount(folder: Path) -> bool:
    """Tell whether we may mount a file system."""
    try:
        with disk(folder, 64):
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _mount(work: Path, options: str) -> None:
    words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(work)]
    subprocess.run(words, check=True, stderr=subprocess.DEVNULL)


def fill_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Fill the disk after each so many kilobytes of a command, let it go on, and compare."""
    action = job["action"]
    begin(work, None)
    with disk(work, ROOM):
        prepare(work)
        before = used(work)
        if forked(saying(work, action)) != 0:
            raise SystemExit((work.parent / "err").read_text())
        needs, whole = used(work) - before, digests(work)
    struck, wrong, points = 0, [], range(0, needs, job["every"])
    for free in points:
        begin(work, None)
        with disk(work, ROOM):
            prepare(work)
            resize(work, used(work) + free)
            ended = forked(saying(work, action))
            struck += ended != 0
            fault = complaint(work, ended, "ENOSPC")
            resize(work, ROOM)
            again, now = forked(saying(work, action)), digests(work)
            if fault is None and (again != 0 or now != whole or condition(work / "run").bad):
                differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
                fault = f"again {again}: {differ[:9]} {(work.parent / 'err').read_text()[-300:]}"
        if fault is not None:
            wrong.append([free, fault])
    return {"kilobytes": needs, "points": len(points), "struck": struck, "wrong": wrong}
