"""Commands whose disk is full, refuses or breaks, at each operation; gone on with, and compared.

Each child gets an error from the operating system at its n-th change of a file, or from the n-th
on.

Done by `tests.faults.parent`.
"""

from __future__ import annotations

import errno
import io
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from pictree.manifest import condition
from tests.faults.commands import prepare, saying
from tests.faults.forks import begin, digests, forked

CHANGES = ("os.rename", "os.mkdir", "os.chmod", "os.link", "os.truncate", "os.remove", "os.rmdir")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
GROWS = ("os.rename", "os.mkdir", "os.link")
"""What a full disk refuses; to remove a file needs no space."""


class Failing:
    """Gives an error at the n-th operation below a folder, and at those after it if it lasts."""

    def __init__(self, folder: Path, n: int, code: str, lasts: bool) -> None:
        self.n, self.lasts, self.code, self.count = n, lasts, getattr(errno, code), 0
        self.ours = tuple(str(folder / name) for name in ("run", "out", "said.csv", ".tmp-"))
        self.struck = folder.parent / "struck"
        self.is_read = code == "EIO" and not lasts

    def arm(self) -> None:
        sys.addaudithook(self.hear)
        self._sync, self._open = os.fsync, os.fdopen
        os.fsync, os.fdopen = self.sync, self.fdopen

    def hear(self, event: str, arguments: tuple) -> None:
        if event == "open":
            is_write = isinstance(arguments[2], int) and arguments[2] & WRITES
            if not is_write and not self.is_read:
                return
        elif event not in (GROWS if self.lasts else CHANGES):
            return
        named = [os.fspath(a) for a in arguments if isinstance(a, (str, os.PathLike))]
        if any(os.path.abspath(name).startswith(self.ours) for name in named):  # noqa: PTH100
            self.strike(named[0])

    def sync(self, handle: int) -> None:
        self.strike(None)
        self._sync(handle)

    def fdopen(self, handle: int, mode: str = "r", *rest: Any, **named: Any) -> Any:
        if mode != "wb":
            return self._open(handle, mode, *rest, **named)
        return io.BufferedWriter(Writing(handle, self))

    def strike(self, path: Any) -> None:
        at, self.count = self.count, self.count + 1
        if self.n >= 0 and (at >= self.n if self.lasts else at == self.n):
            self._note(at)
            named = () if path is None else (os.fspath(path),)
            raise OSError(self.code, os.strerror(self.code), *named)

    def _note(self, at: int) -> None:
        if at == self.n:
            os.close(os.open(self.struck, os.O_CREAT))


class Writing(io.FileIO):
    """A file whose every write to the operating system may fail."""

    def __init__(self, handle: int, failing: Failing) -> None:
        super().__init__(handle, "wb")
        self._failing = failing

    def write(self, data: Any) -> int:
        self._failing.strike(None)
        return super().write(data)


def failed(work: Path, action: str, n: int, code: str, lasts: bool) -> int:
    """Do a command in a child whose n-th operation fails (none for -1)."""
    failing = Failing(work, n, code, lasts)
    run = saying(work, action, failing.arm)

    def tell() -> int:
        ended = run()
        if n < 0:
            (work.parent / "operations").write_text(str(failing.count))
        return ended

    return forked(tell)


def complaint(work: Path, ended: int, code: str) -> str | None:
    """Return what is wrong with how a command ended whose disk failed."""
    said = (work.parent / "err").read_text()
    last = said.strip().splitlines()[-1] if said.strip() else ""
    if ended == 0:  # what failed was not needed
        return None
    is_sentence = last.startswith("pictree: ") and last.endswith(".")
    if ended != 2 or "Traceback" in said or "fault of Pictree" in last or not is_sentence:
        return f"exit {ended}: {said[-700:]}"
    if code in ("ENOSPC", "EDQUOT") and "needs free disk space" not in last:
        return f"no word of space: {last}"
    return None if "run" in last or "out" in last or "said.csv" in last else f"no file: {last}"


def fail_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Let one command fail at each point of a job, let it go on each time, and compare."""
    action, start = job["action"], job.get("start")
    code, lasts = job["error"], job.get("lasts", False)
    _begin(work, start)
    if failed(work, action, -1, code, lasts) != 0:
        raise SystemExit((work.parent / "err").read_text())
    total, whole = int((work.parent / "operations").read_text()), digests(work, (".tmp-",))
    if "keep" in job:
        shutil.copytree(work, job["keep"])
    points = range(job.get("first", 0), total, job.get("every", 1))
    struck, told, wrong = 0, 0, []
    for n in points:
        _begin(work, start)
        ended = failed(work, action, n, code, lasts)
        struck += (work.parent / "struck").exists()
        told += ended != 0
        fault = complaint(work, ended, code)
        again, now = failed(work, action, -1, code, lasts), digests(work, (".tmp-",))
        if fault is None and (again != 0 or now != whole or condition(work / "run").bad):
            differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
            fault = f"again {again}: {differ[:9]} {(work.parent / 'err').read_text()[-300:]}"
        if fault is not None:
            wrong.append([n, fault])
    return {
        "operations": total,
        "points": len(points),
        "struck": struck,
        "told": told,
        "wrong": wrong,
    }


def _begin(work: Path, start: str | None) -> None:
    begin(work, None)
    if start is None:
        prepare(work)
    else:
        work.rmdir()
        shutil.copytree(start, work)
