"""Worker processes on this machine, each with one thread for arithmetic."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from pathlib import Path
from types import ModuleType
from typing import Any

from pictree.engine.base import WORKER_BYTES, Work, perform
from pictree.engine.pool import Died, Heard, Pool, Worker
from pictree.errors import RunError
from pictree.progress import Progress

_BEAT_SECONDS = 1.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS")


class Processes(Pool):
    """Processes of this machine: one for each core, and no more than its memory has room for.

    Raises
    ------
    RunError
        If there is no room for one.
    """

    def __init__(self, progress: Progress, **options: Any) -> None:
        super().__init__(min(_cores(), _room()), progress, **options)

    def _start(self) -> Worker:
        return _Process()

    def _listen(self, workers: Sequence[Worker], seconds: float) -> Heard:
        of = {worker.pipe: worker for worker in workers if isinstance(worker, _Process)}
        heard: Heard = []
        for pipe in wait(list(of), seconds):
            worker = of[pipe]  # type: ignore[index]
            worker.heard = time.monotonic()
            said = worker.hear()
            if said is not None:
                heard.append((worker, said))
        return heard


class _Process(Worker):
    """A process started afresh: a forked one may hang in a lock that a thread of ours held."""

    def __init__(self) -> None:
        start = multiprocessing.get_context("spawn")
        self.pipe, theirs = start.Pipe()
        self._process = start.Process(target=_serve, args=(theirs,), daemon=True)
        with _without_main():
            self._process.start()
        theirs.close()
        super().__init__(f"worker process {self._process.pid}")

    def give(self, work: Work, shard: int) -> None:
        try:
            self.pipe.send((work, shard))
        except OSError:
            return  # it died meanwhile, which `hear` tells

    def hear(self) -> Any:
        try:
            return self.pipe.recv()
        except (EOFError, OSError):
            self._process.join(10)
            code = self._process.exitcode or 0
            if code < 0:
                return Died(f"was killed by signal {-code}")
            return Died(f"ended with code {code}")

    def end(self) -> None:
        self._process.kill()
        self._process.join()  # the pipe is still read: it tells that the process is dead


@contextmanager
def _without_main() -> Iterator[None]:
    """Start a process that does not import, and so run again, the user's script."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _serve(pipe: Connection) -> None:
    """Do what comes through the pipe until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's to hear
    # Read when the libraries are loaded, which happens with the first work.
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    turn = threading.Lock()
    threading.Thread(target=_beat, args=(pipe, turn), daemon=True).start()
    while True:
        try:
            work, shard = pipe.recv()
        except (EOFError, OSError):
            return
        said: Any
        try:
            said = perform(work, shard)
        except Exception as error:
            said = _sendable(error)
        try:
            with turn:
                pipe.send(said)
        except OSError:
            return


def _beat(pipe: Connection, turn: threading.Lock) -> None:
    """Say "alive" each second; a driver that is gone has no use for this process."""
    while True:
        time.sleep(_BEAT_SECONDS)
        try:
            with turn:
                pipe.send(None)
        except OSError:
            os._exit(1)


def _sendable(error: Exception) -> Exception:
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes, to see whether they can be
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _cores() -> int:
    own = getattr(os, "sched_getaffinity", None)
    return len(own(0)) if own else os.cpu_count() or 1


def _room() -> int:
    """Return how many workers the free memory has room for."""
    free = free_memory()
    if free is None:
        return _cores()
    if free < WORKER_BYTES:
        raise RunError(
            f"--engine processes needs {WORKER_BYTES / 2**30:.1f} GiB of free memory for a worker",
            got=f"{free / 2**30:.1f} GiB",
            do="End other programs, or leave --engine out",
        )
    return free // WORKER_BYTES


def free_memory() -> int | None:
    """Return the bytes of memory that can be had, where the system tells (Linux)."""
    file = Path("/proc/meminfo")
    if not file.exists():
        return None
    told = dict(line.split(":", 1) for line in file.read_text().splitlines())
    return int(told["MemAvailable"].split()[0]) * 1024
