"""A warmed parent that forks children, kills them, lets the same command go on, and compares.

Run as a process of its own (``python -m tests.faults.killing FOLDER JOBS``): a fork is safe only
while polars has not started its threads, so the parent imports all and does nothing itself. Each
child ends by ``os._exit`` just before its n-th change of a file, or by SIGKILL at a random moment.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits

from pictree.export.export import export
from pictree.files import sha256_of
from pictree.label.session import Session
from pictree.manifest import condition
from pictree.pipeline.add import add
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.link", "os.truncate")
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
TELL_THE_TIME = ("run.json", "manifest.json", "report.html", "log.jsonl", "labels.db")
STRUCK = 137


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


# what is killed: each takes the folder that it works in, and may be called again


def do_fit(work: Path) -> None:
    changes = {"maps.methods": ["pca"], "clustering.k": "3"}
    fit(images(), work / "run", recipe=change(load_recipe("quick"), **changes), resume=True)


def do_add(work: Path) -> None:
    info = Run.open(work / "run").info
    if "added" not in info or (work / "run" / "adding.json").exists():
        add(work / "run", pile(work))  # else it had ended, and a second add is another


def do_predict(work: Path) -> None:
    out = work / "said.csv"
    if not out.exists():
        predict(work / "run", pile(work), output=out)


def do_export(work: Path) -> None:
    out = work / "out"
    if not out.exists():
        export(work / "run", "imagefolder", out)


def do_label(work: Path) -> None:
    """Name clusters a hundred times; each acknowledged name is told to the folder above."""
    run, said = Run.open(work / "run"), work.parent / "acknowledged"
    with run.lock():
        session = Session(run)
        kept, told = session.revision - 1, len(said.read_text()) if said.exists() else 0
        if kept not in (told, told + 1):
            raise AssertionError(f"{told} names acknowledged, {kept} kept")
        keys = sorted(session.history.state.groups)
        for number in range(kept, 100):
            body = {"group": keys[number % len(keys)], "name": f"name {number}"}
            session.act("label", body, session.revision)
            with said.open("a") as file:
                file.write("x" * (number + 1 - told))
            told = number + 1
        session.close()


def images() -> np.ndarray:
    return (load_digits().images[:60] * 15).astype(np.uint8)


def pile(work: Path) -> str:
    file = work / "pile.npy"
    if not file.exists():
        np.save(file, (load_digits().images[200:212] * 15).astype(np.uint8))
    return str(file)


ACTIONS: dict[str, Callable[[Path], None]] = {
    "fit": do_fit,
    "add": do_add,
    "predict": do_predict,
    "export": do_export,
    "label": do_label,
}


def forked(
    work: Callable[[], None], n: int | None, folder: Path, after: float | None = None
) -> int:
    """Do some work in a child; return its exit code, 137 where it was killed before the end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.setpgid(0, 0)
            torch.set_num_threads(1)
            killer = Killer(folder, n)
            work()
            (folder.parent / "operations").write_text(str(killer.count))
            code = 0
        except BaseException:
            traceback.print_exc()
        os._exit(code)
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return STRUCK if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)


def digests(folder: Path, action: str) -> dict[str, str]:
    """SHA-256 of every file that the same command always writes alike; the others' names."""
    aside = (".tmp-", "labels.db-") if action in ("export", "predict", "label") else ("labels.db-",)
    found = {}
    for file in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = file.relative_to(folder).as_posix()
        if file.name not in ("run.lock", "run.owner") and not any(a in name for a in aside):
            found[name] = "there" if file.name in TELL_THE_TIME else sha256_of(file)
    return found


def begin(work: Path, start: str | None) -> None:
    for folder in work.parent.iterdir():
        shutil.rmtree(folder) if folder.is_dir() else folder.unlink()
    work.mkdir()
    if start is not None:
        shutil.copytree(start, work / "run")


def warm(folder: Path) -> None:
    """Import all that a fit imports when it is needed, as a child of ours found out."""
    work = folder / "work"
    begin(work, None)

    def tell() -> None:
        do_fit(work)
        (folder / "modules").write_text("\n".join(sys.modules))

    if forked(tell, None, work) != 0:
        raise SystemExit("the first fit failed")
    for name in (folder / "modules").read_text().splitlines():
        with contextlib.suppress(Exception):
            importlib.import_module(name)


def undisturbed(act: Callable[[Path], None], work: Path, start: str | None) -> tuple[int, float]:
    """Do it once; return how many changes it makes, and its seconds."""
    begin(work, start)
    began = time.perf_counter()
    if forked(lambda: act(work), None, work) != 0:
        raise SystemExit("the undisturbed command failed")
    seconds = time.perf_counter() - began
    return int((work.parent / "operations").read_text()), seconds


def strike_all(job: dict[str, Any], work: Path) -> dict[str, Any]:
    """Kill one command at each point of a job, let it go on each time, and compare."""
    act, start = ACTIONS[job["action"]], job.get("start")
    total, seconds = undisturbed(act, work, start)
    whole = digests(work, job["action"])
    if "keep" in job:
        shutil.copytree(work / "run", job["keep"])
    chance = random.Random(job.get("seed", 0))
    points: list[Any] = list(range(job.get("first", 0), total, job.get("every", 1)))
    if "random" in job:
        points = [chance.uniform(0, seconds) for _ in range(job["random"])]
    struck, wrong = 0, []
    for point in points:
        begin(work, start)
        n, after = (None, point) if "random" in job else (point, None)
        hits = forked(lambda: act(work), n, work, after) == STRUCK
        if "twice" in job:
            hits &= forked(lambda: act(work), chance.randrange(total), work) == STRUCK
        struck += hits
        ended = forked(lambda: act(work), None, work)
        now = digests(work, job["action"])
        if ended == 0:
            now |= dict.fromkeys(condition(work / "run").bad, "not as its manifest says")
        if ended != 0 or now != whole:
            differ = sorted(k for k in now.keys() | whole.keys() if now.get(k) != whole.get(k))
            wrong.append([point, ended, differ[:9]])
    return {"changes": total, "points": len(points), "struck": struck, "wrong": wrong}


def main(folder: Path, jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Do all jobs in ``folder / "work"``."""
    warm(folder)
    return [strike_all(job, folder / "work") for job in jobs]


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), json.loads(sys.argv[2]))))  # noqa: T201
