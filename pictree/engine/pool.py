"""Workers that are given one shard at a time; the dead are replaced, the silent reported."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pictree.engine.base import Engine, EngineError, LostError, Receipt, Work
from pictree.progress import Progress

TRIES = 3
"""Workers that may die of one shard."""
SILENT_SECONDS = 30.0
"""A worker that has not been heard for so long is reported, and ended after ten times as long."""
_TICK = 1.0
_CAUSE_SECONDS = 5.0


class Worker(ABC):
    """One worker, wherever it is.

    Attributes
    ----------
    name : str
        For people: the machine and the process, as far as known.
    heard : float
        When it was last heard, by `time.monotonic`.
    is_reported : bool
        Whether its silence was told.
    has_begun : bool
        Whether it runs; on a cluster it may wait for a free core.
    """

    def __init__(self, name: str, *, has_begun: bool = True) -> None:
        self.name, self.has_begun = name, has_begun
        self.heard, self.is_reported = time.monotonic(), False

    @abstractmethod
    def give(self, work: Work, shard: int) -> None:
        """Send it a shard to do; returns at once."""

    @abstractmethod
    def end(self) -> None:
        """Kill it."""


@dataclass(frozen=True)
class Died:
    """What is heard of a worker that is no more; `why` is a clause for people."""

    why: str


Heard = list[tuple[Worker, Receipt | Exception | Died]]


class Pool(Engine):
    """An engine of several workers.

    Parameters
    ----------
    count : int
        Workers at once, at most.
    progress : Progress
        Told of the dead and the silent.
    silent_seconds : float
        See `SILENT_SECONDS`.
    """

    def __init__(
        self, count: int, progress: Progress, *, silent_seconds: float = SILENT_SECONDS
    ) -> None:
        self.count, self._progress, self._limit = count, progress, silent_seconds
        self._workers: list[Worker] = []
        self._busy: dict[Worker, int] = {}
        self._are_together = False

    @abstractmethod
    def _start(self) -> Worker:
        """Start one more worker."""

    def _capacity(self) -> int:
        """Return how many workers there is room for now."""
        return self.count

    @abstractmethod
    def _listen(self, workers: Sequence[Worker], seconds: float) -> Heard:
        """Wait for what the workers have to say; note when each was heard."""

    def map(self, work: Work, shards: Sequence[int]) -> Iterator[Receipt]:
        """Do each shard, up to `count` at once; see `Engine.map`."""
        todo, deaths = deque(shards), Counter[int]()
        self.count = self._capacity()
        try:
            while todo or self._busy:
                self._give_out(work, todo)
                for worker, said in self._listen(list(self._busy), _TICK):
                    shard = self._busy.pop(worker)
                    if isinstance(said, Receipt):
                        yield said
                    elif isinstance(said, Died):
                        self._bury(worker, shard, said, deaths)
                        todo.appendleft(shard)
                    else:
                        raise self._cause(said)
                self._watch(todo)
        finally:
            for worker in list(self._busy):  # what they do is asked for no more
                self._remove(worker)

    def together(self, work: Work, ranks: int) -> None:
        """Do all of ``range(ranks)`` at the same time; see `Engine.together`."""
        room = self._capacity()
        if room < ranks:
            raise LostError(f"there is room for {room} of {ranks} workers", left=room)
        self._are_together = True
        try:
            for _ in self.map(work, range(ranks)):
                pass
        finally:
            self._are_together = False

    def _give_out(self, work: Work, todo: deque[int]) -> None:
        while todo and len(self._busy) < self.count:
            idle = [worker for worker in self._workers if worker not in self._busy]
            worker = idle[0] if idle else self._start()
            if not idle:
                self._workers.append(worker)
            worker.heard, worker.is_reported = time.monotonic(), False
            self._busy[worker] = todo.popleft()
            worker.give(work, self._busy[worker])

    def _bury(self, worker: Worker, shard: int, died: Died, deaths: Counter[int]) -> None:
        self._remove(worker)
        if self._are_together:
            raise LostError(f"{worker.name} {died.why}")
        deaths[shard] += 1
        if deaths[shard] == TRIES:
            raise EngineError(
                f"shard {shard} killed {TRIES} workers, the last one {died.why}. Look whether "
                "memory runs out; `--resume --engine local` does it in this process."
            )
        self._progress.say(f"{worker.name} {died.why}: shard {shard} is done again")
        self.count = self._capacity()

    def _cause(self, said: Exception) -> Exception:
        """Wait a little for who is gone, where one that needed it was heard first."""
        end = time.monotonic() + _CAUSE_SECONDS
        while isinstance(said, LostError) and self._busy and time.monotonic() < end:
            for worker, other in self._listen(list(self._busy), _TICK):
                self._remove(worker)
                if isinstance(other, Died):
                    return LostError(f"{worker.name} {other.why}")
                said = other if isinstance(other, Exception) else said
        return said

    def _watch(self, todo: deque[int]) -> None:
        """Report who has been silent for long, and end who has been for ten times as long."""
        self._give_waiting_to_idle(todo)
        now = time.monotonic()
        for worker, shard in list(self._busy.items()):
            silent = now - worker.heard
            if silent > self._limit and not worker.is_reported:
                worker.is_reported = True
                self._report(worker, shard, silent, todo)
            if silent > 10 * self._limit and worker.has_begun:
                worker.end()  # is then heard of as dead

    def _give_waiting_to_idle(self, todo: deque[int]) -> None:
        """Take a shard back from a worker that hasn't begun, where another has nothing to do.

        On a cluster it may wait for the very core that the idle one holds.
        """
        waiting = [worker for worker in self._busy if not worker.has_begun]
        idle = [worker for worker in self._workers if worker not in self._busy]
        if waiting and idle and not todo:
            todo.append(self._busy[waiting[0]])
            self._remove(waiting[0])

    def _report(self, worker: Worker, shard: int, silent: float, todo: deque[int]) -> None:
        begun = sum(other.has_begun for other in self._workers)
        if worker.has_begun:
            why = "it is stopped, or its machine is overloaded"
        else:
            why = "no machine has a free core for it"
        self._progress.say(
            f"{worker.name}, which does shard {shard}, has been silent for {silent:.0f} s: {why}"
        )
        if self._are_together and not worker.has_begun:
            raise LostError(f"{worker.name} found no free core", left=begun)
        if begun and not worker.has_begun:  # those that have begun do its shard
            self._remove(worker)
            self.count = begun
            todo.appendleft(shard)

    def _remove(self, worker: Worker) -> None:
        worker.end()
        self._busy.pop(worker, None)
        if worker in self._workers:
            self._workers.remove(worker)

    def __exit__(self, *_: object) -> None:
        for worker in list(self._workers):
            self._remove(worker)
