"""Pictures of requests that come at the same time go through the network together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

MOST_TOGETHER = 256

Judge = Callable[[list[Any]], tuple[np.ndarray, list[dict[str, Any]]]]


class _Waiting(NamedTuple):
    pictures: list[Any]
    answer: asyncio.Future[tuple[np.ndarray, list[dict[str, Any]]]]


class Batcher:
    """Judges on one thread: while it is busy, requests gather, and the next turn takes them all.

    So a lone request never waits for company.

    Parameters
    ----------
    judge : callable
        Takes pictures; returns their codes and places, a row for each.
    tell : callable
        Called with the number of pictures of each turn.
    """

    def __init__(self, judge: Judge, tell: Callable[[int], object]) -> None:
        self._judge, self._tell = judge, tell
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "judge")
        self._task: asyncio.Task[None] | None = None

    async def judge(self, pictures: list[Any]) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """Return code and place of each picture.

        Parameters
        ----------
        pictures : list
            At least one.
        """
        loop = asyncio.get_running_loop()
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._serve())
        answer: asyncio.Future[Any] = loop.create_future()
        self._queue.put_nowait(_Waiting(pictures, answer))
        return await answer

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            turn = [await self._queue.get()]
            while not self._queue.empty() and _size(turn) < MOST_TOGETHER:
                turn.append(self._queue.get_nowait())
            # Those whose client has gone, or whose time is up, cost nothing more.
            turn = [waiting for waiting in turn if not waiting.answer.done()]
            if not turn:
                continue
            self._tell(_size(turn))
            together = [picture for waiting in turn for picture in waiting.pictures]
            try:
                codes, places = await loop.run_in_executor(self._thread, self._judge, together)
            except Exception as error:
                _fail(turn, error)
            else:
                _share(turn, codes, places)

    async def close(self) -> None:
        """End; nothing is judged any more."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._thread.shutdown(cancel_futures=True)


def _size(turn: list[_Waiting]) -> int:
    return sum(len(waiting.pictures) for waiting in turn)


def _share(turn: list[_Waiting], codes: np.ndarray, places: list[dict[str, Any]]) -> None:
    start = 0
    for waiting in turn:
        end = start + len(waiting.pictures)
        if not waiting.answer.done():
            waiting.answer.set_result((codes[start:end], places[start:end]))
        start = end


def _fail(turn: list[_Waiting], error: Exception) -> None:
    for waiting in turn:
        if not waiting.answer.done():
            waiting.answer.set_exception(error)
