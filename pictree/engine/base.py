"""What every engine does: a function is called for each shard, and each call leaves a receipt."""

from __future__ import annotations

import os
import socket
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pictree.errors import PictreeError

Work = Callable[[int], int]
"""Does one shard, writes its files atomically under their fixed names, and returns how many images
it did. A function of a module, or a `functools.partial` of one: it is sent to other processes."""

WORKER_BYTES = 3 << 29
"""What a worker may need, 1.5 GiB: at most 256 MiB of pixels, a second copy of them, the codes of
65,536 images, and the libraries."""


class EngineError(PictreeError):
    """A shard's work ended in no receipt, however often it was begun."""


class LostError(EngineError):
    """One of several workers that work together is gone; the others can't go on without it.

    Parameters
    ----------
    why : str
        For people, a clause.
    left : int, optional
        How many can work together now, where that is known.
    """

    def __init__(self, why: str, left: int | None = None) -> None:
        super().__init__(why)
        self.left = left


@dataclass(frozen=True)
class Receipt:
    """What is told of a shard that is done; pixels and codes stay in its files.

    Attributes
    ----------
    shard : int
    images : int
        How many the work did.
    seconds : float
        How long that took.
    worker : str
        Where: the machine and the process.
    peak_mb : float
        The most memory that the worker has held so far; 0 where that can't be told.
    """

    shard: int
    images: int
    seconds: float
    worker: str
    peak_mb: float


def perform(work: Work, shard: int) -> Receipt:
    """Do one shard here, and return its receipt."""
    start = time.perf_counter()
    images = work(shard)
    seconds = time.perf_counter() - start
    return Receipt(shard, images, seconds, f"{socket.gethostname()}:{os.getpid()}", _peak_mb())


def _peak_mb() -> float:
    if os.name == "nt":
        return 0.0
    status = Path("/proc/self/status")
    if status.exists():  # getrusage counts what the process was that began this one
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0]) / 2**10
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)


class Engine(ABC):
    """Does shards. To be used in a ``with``, which ends its workers.

    Attributes
    ----------
    is_local : bool
        Whether this process does all itself, one shard after another in the order given.
    shares_disk : bool
        Whether the workers are on this machine, and so see its folders.
    host : str
        This process's machine, as the workers know it.
    """

    is_local = False
    shares_disk = True
    host = "127.0.0.1"

    def crowd(self) -> int:
        """Return how many workers on several machines can work together; 1 on one machine."""
        return 1

    def together(self, work: Work, ranks: int) -> None:
        """Do all of ``range(ranks)`` at the same time, for work that needs all the others.

        Raises
        ------
        LostError
            If one died or found no room. All are ended then: what they did can be begun again.
        """
        raise LostError("there is one process", left=1)

    @abstractmethod
    def map(self, work: Work, shards: Sequence[int]) -> Iterator[Receipt]:
        """Do each shard, and yield its receipt when it is done, in any order.

        A shard whose worker died is done again, so `work` must be repeatable. What `work` raises
        is raised here.

        Raises
        ------
        EngineError
            If a shard's workers died three times.
        """

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Local(Engine):
    """The plain loop."""

    is_local = True

    def map(self, work: Work, shards: Sequence[int]) -> Iterator[Receipt]:
        """Do each shard here; see `Engine.map`."""
        for shard in shards:
            yield perform(work, shard)
