"""How much of the bodies of all requests may be here at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from pictree.serve.refusal import FULL, RefusalError

Receive = Callable[[], Awaitable[Any]]


class Room:
    """Counts the bytes that have come: who sends slowly, or nothing, takes up none.

    Parameters
    ----------
    most : int
        Bytes of all requests together.
    """

    def __init__(self, most: int) -> None:
        self._most, self._taken = most, 0

    @contextmanager
    def counted(self, receive: Receive) -> Iterator[Receive]:
        """Give what receives one request's body, and its bytes' room back at the end.

        What it gives raises `RefusalError` where there is no room.
        """
        mine = 0

        async def counting() -> Any:
            nonlocal mine
            message = await receive()
            size = len(message.get("body", b""))
            mine += size
            self._taken += size
            if size and self._taken > self._most:
                raise RefusalError(503, FULL)
            return message

        try:
            yield counting
        finally:
            self._taken -= mine
