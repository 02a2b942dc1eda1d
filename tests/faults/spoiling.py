"""Commands that meet a run with one file cut, emptied or gone, or pictures that fail to be read.

Done by `tests.faults.parent`.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.commands import prepare, saying
from tests.faults.forks import OF_A_MOMENT, begin, digests, forked


def halve(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def empty(file: Path) -> None:
    os.truncate(file, 0)


def scramble(file: Path) -> None:
    file.write_bytes(file.read_bytes()[::-1])


SPOILS: dict[str, Callable[[Path], object]] = {
    "halved": halve,
    "emptied": empty,
    "reversed": scramble,
    "gone": Path.unlink,
}


def complaint(work: Path, ended: int) -> str | None:
    """Return what is wrong with how a command ended."""
    said = (work.parent / "err").read_text()
    last = said.strip().splitlines()[-1] if said.strip() else ""
    if ended in (0, 2, 3) and "Traceback" not in said and "fault of Pictree" not in said:
        is_sentence = last.startswith("pictree: ") and last.endswith(".") and "run" in last
        return None if ended != 2 or is_sentence else f"no sentence: {last}"
    return f"exit {ended}: {said[-600:]}"


def spoil_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Spoil each file of a run in each way, and do each command on it."""
    begin(work, None)
    prepare(work)
    if forked(saying(work, "fit and draw")) != 0 or forked(saying(work, "add")) != 0:
        raise SystemExit((work.parent / "err").read_text())
    whole = work.parent / "whole"
    shutil.copytree(work, whole)
    files = sorted(p.relative_to(work) for p in (work / "run").rglob("*") if p.is_file())
    files = [file for file in files if file.name not in OF_A_MOMENT]
    cases = [(f, way, act) for f in files for way in SPOILS for act in job["commands"]]
    told, wrong, cases = 0, [], cases[job.get("first", 0) :: job.get("every", 1)]
    usual = {action: _done(work, whole, action)[1] for action in job["commands"]}
    for file, way, action in cases:
        ended, now = _done(work, whole, action, lambda f=file, w=way: SPOILS[w](work / f))
        told += ended != 0
        fault = complaint(work, ended)
        said = (work.parent / "out").read_text() + (work.parent / "err").read_text()
        if fault is None and action == "verify" and file.name not in said:
            fault = f"not named: {said[-300:]}"
        if fault is None and ended == 0:
            fault = _another_result(usual[action], now, str(file))
        if fault is not None:
            wrong.append([str(file), way, action, fault])
    return {"cases": len(cases), "told": told, "wrong": wrong}


def _done(
    work: Path, whole: Path, action: str, spoil: Callable[[], object] = str
) -> tuple[int, dict[str, str]]:
    """Do a command on a copy of a run that was spoiled; return how it ended, and what it left."""
    shutil.rmtree(work)
    shutil.copytree(whole, work)
    spoil()
    return forked(saying(work, action)), digests(work)


def _another_result(usual: dict[str, str], now: dict[str, str], spoiled: str) -> str | None:
    """Return what a command that did not mind the spoiled file made of it."""
    names = (usual.keys() | now.keys()) - {spoiled}
    differ = sorted(name for name in names if usual.get(name) != now.get(name))
    return f"another result: {differ[:9]}" if differ else None


class Unreadable:
    """Gives an error at the n-th opening of a picture, or does something to it just before."""

    def __init__(self, folder: Path, n: int, way: str) -> None:
        self.folder, self.left, self.way = str(folder), n, way

    def arm(self) -> None:
        sys.addaudithook(self.hear)

    def hear(self, event: str, arguments: tuple) -> None:
        if event != "open" or not str(arguments[0]).startswith(self.folder):
            return
        self.left -= 1
        if self.left == -1:
            file = Path(arguments[0])
            (file.parent.parent.parent / "struck").touch()
            if self.way == "error":
                raise OSError(errno.EIO, os.strerror(errno.EIO), str(file))
            SPOILS[self.way](file)


def read_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Let a picture fail while it is read, at each opening of one."""
    struck, wrong = 0, []
    for n in range(job["first"], job["openings"], job["every"]):
        begin(work, None)
        prepare(work)
        unreadable = Unreadable(work / "old", n, job["way"])
        ended = forked(saying(work, "fit", unreadable.arm))
        struck += (work.parent / "struck").exists()
        if ended != 0:
            wrong.append([n, (work.parent / "err").read_text()[-600:]])
    return {"struck": struck, "wrong": wrong}
