"""What stands between a browser and an app of ours: bodies counted, headers on every answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any


class Exchange:
    """One request and its answer.

    Parameters
    ----------
    receive, send : callable
        As ASGI has them.
    headers : mapping of str to str
        Of every answer, beside its own.
    most : int
        Bytes of the body.
    too_large : callable
        Returns the message that the app gets in place of what goes beyond `most`, or raises.
    """

    def __init__(
        self,
        receive: Any,
        send: Any,
        *,
        headers: Mapping[str, str],
        most: int,
        too_large: Callable[[], Any],
    ) -> None:
        self._receive, self._send, self._headers = receive, send, headers
        self._most, self._too_large, self._seen = most, too_large, 0

    async def receive(self) -> Any:
        """Return the next message of the request.

        Content-Length may be looked at before; a body in chunks has none.
        """
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        return self._too_large() if self._seen > self._most else message

    async def send(self, message: Any) -> None:
        """Send a message of the answer."""
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_encoded(self._headers)]
        await self._send(message)

    async def answer(self, status: int, kind: str, body: bytes) -> None:
        """Send a whole answer that no store keeps; kind is its content type."""
        about = {
            "Content-Type": kind,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
        }
        headers = _encoded({**self._headers, **about, "Cache-Control": "no-store"})
        await self._send({"type": "http.response.start", "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})


def headers_of(scope: Any) -> dict[str, str]:
    """Return a request's headers as text, by their names in small letters."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


def _encoded(headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
