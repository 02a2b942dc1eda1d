"""Who may ask: by the names that were given to this server, and no page of another site."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pictree.serve.limits import Limits
from pictree.serve.refusal import RefusalError, error_body

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Guard:
    """ASGI middleware that refuses what must not reach the app, and limits what does.

    A web page elsewhere can make a browser send requests here, and can make its own name point at
    this machine. So the Host must be one of this server's names; and where a browser says that a
    request comes from a page (Origin, Sec-Fetch-Site), that page must be of this address.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        Allowed Host headers, such as ``127.0.0.1:8400``.
    limits : Limits
    """

    def __init__(self, app: Any, *, hosts: Iterable[str], limits: Limits) -> None:
        self._app, self._hosts, self._limits = app, frozenset(hosts), limits
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        try:
            self._refuse(headers)
        except RefusalError as refusal:
            await _answer(send, refusal)
            return
        limited = _Limited(receive, send, self._limits)
        await self._app(scope, limited.receive, limited.send)

    def _refuse(self, headers: dict[str, str]) -> None:
        host = headers.get("host", "")
        if host not in self._hosts:
            raise RefusalError(
                421,
                f"This server does not answer to the name {host[:100]!r}: start it with "
                "--name NAME to add one.",
            )
        is_ours = headers.get("origin", f"http://{host}") in self._origins
        if not is_ours or headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            raise RefusalError(403, "Requests from web pages of other addresses are refused.")
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length) > self._limits.body:
            raise too_large(self._limits)


def too_large(limits: Limits) -> RefusalError:
    """Return the refusal of a body above the limit."""
    return RefusalError(413, f"A request may have at most {limits.megabytes} MB.")


class _Limited:
    """A request whose body is counted as it comes; headers on every answer."""

    def __init__(self, receive: Any, send: Any, limits: Limits) -> None:
        self._receive, self._send, self._limits, self._seen = receive, send, limits, 0

    async def receive(self) -> Any:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        # Content-Length was looked at before; a body in chunks has none.
        if self._seen > self._limits.body:
            raise too_large(self._limits)
        return message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], *_encoded(HEADERS)]
        await self._send(message)


async def _answer(send: Any, refusal: RefusalError) -> None:
    body = error_body(refusal.sentence)
    named = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    headers = _encoded({**HEADERS, **named})
    start = {"type": "http.response.start", "status": refusal.status, "headers": headers}
    await send(start)
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]
