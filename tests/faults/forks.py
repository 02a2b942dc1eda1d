"""A warmed parent that does nothing itself, and forks children that do everything.

A fork is safe only while polars has not started its threads. So a process of its own imports all
that a run imports, as a first child found out, and each child begins where the imports have ended:
a disturbed fit takes half a second in place of five.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from pictree.files import sha256_of
from pictree.report.page import templates

STRUCK = 137
TELL_THE_TIME = ("run.json", "manifest.json", "report.html", "log.jsonl", "labels.db")
OF_A_MOMENT = ("run.lock", "run.owner")
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "POLARS_MAX_THREADS": "1"}


def asked(folder: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let `tests.faults.parent` do some jobs; return what it found."""
    in_memory = Path("/dev/shm")  # noqa: S108 - to sync there costs nothing; the folder is new
    place = in_memory if in_memory.is_dir() else folder
    with tempfile.TemporaryDirectory(dir=place) as parent:
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.parent", parent, json.dumps(jobs)],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            env=os.environ | ONE_THREAD,
            cwd=Path(__file__).parents[2],
        )
    return json.loads(done.stdout.splitlines()[-1])


def warm(work: Path, first: Callable[[Path], object]) -> None:
    """Import and compile all that a child needs when it does `first`."""
    begin(work, None)

    def tell() -> None:
        first(work)
        (work.parent / "modules").write_text("\n".join(sys.modules))

    if forked(tell) != 0:
        raise SystemExit("the first, undisturbed action failed")
    for name in (work.parent / "modules").read_text().splitlines():
        with contextlib.suppress(Exception):
            importlib.import_module(name)
    for name in ("page.html", "assets/map.html", "assets/odd.html"):
        templates().get_template(name)


def forked(work: Callable[[], object], *, kill_after: float | None = None) -> int:
    """Do some work in a child; return its exit code, 137 where it was killed before the end."""
    child = started(work)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return STRUCK if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def started(work: Callable[[], object]) -> int:
    """Begin some work in a child, which leads a process group; return its number."""
    child = os.fork()
    if child != 0:
        with contextlib.suppress(OSError):  # both do it: neither may be too late
            os.setpgid(child, child)
        return child
    code = 1
    try:
        os.setpgid(0, 0)
        torch.set_num_threads(1)
        code = work() or 0
    except BaseException:
        traceback.print_exc()
    os._exit(code if isinstance(code, int) else 0)


def begin(work: Path, start: str | None) -> None:
    """Empty the folder above `work`, and put a copy of the run `start` into it."""
    for folder in work.parent.iterdir():
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    work.mkdir()
    if start is not None:
        shutil.copytree(start, work / "run")


def digests(folder: Path, aside: tuple[str, ...] = ()) -> dict[str, str]:
    """SHA-256 of every file that the same command always writes alike; the others' names."""
    found = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = file.relative_to(folder).as_posix()
        if file.name not in OF_A_MOMENT and not any(a in name for a in ("labels.db-", *aside)):
            found[name] = "there" if file.name in TELL_THE_TIME else sha256_of(file)
    return found
