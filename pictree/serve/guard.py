"""Who may ask: by the names that were given to this server, and no page of another site."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any, NoReturn

from pictree.exchange import Exchange, headers_of
from pictree.serve.limits import Limits
from pictree.serve.refusal import RefusalError, error_body
from pictree.serve.room import Room

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
        self._room = Room(limits.body * limits.waiting)
        self._origins = {f"http://{host}" for host in self._hosts}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        most, too_large = self._limits.body, partial(_refuse_large, self._limits)
        exchange = Exchange(receive, send, headers=HEADERS, most=most, too_large=too_large)
        try:
            self._refuse(headers_of(scope))
        except RefusalError as refusal:
            body = error_body(refusal.sentence)
            await exchange.answer(refusal.status, "application/json", body)
            return
        with self._room.counted(exchange.receive) as counted:
            await self._app(scope, counted, exchange.send)

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
            _refuse_large(self._limits)


def _refuse_large(limits: Limits) -> NoReturn:
    raise RefusalError(413, f"A request may have at most {limits.megabytes} MB.")
