"""Who may talk to the page: this machine, this address, this start's token. Nobody else."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

MOST_BYTES = 16 << 20
"""Largest body of a request; a list of a million ids fits."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; img-src 'self'; script-src 'self'; "
    "style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}


class Guard:
    """ASGI middleware that lets the page's own requests through, and refuses all others.

    A web page elsewhere can make the person's browser send requests here, and can make its own
    name point at this machine. So the Host must be this address; a browser that says where a
    request comes from (Sec-Fetch-Site, Origin) must say: from here; what changes something must be
    JSON, which no form can send; and every request carries the token of this start, as a cookie
    that no script can read and no other site's request takes along.

    Parameters
    ----------
    app : ASGI application
    hosts : iterable of str
        Allowed Host headers, such as ``127.0.0.1:8400``.
    token : str
        Of this start; in the address that is printed, then in the cookie.
    cookie : str
        Its name; cookies are shared by the ports of one machine.
    """

    def __init__(self, app: Any, *, hosts: Iterable[str], token: str, cookie: str) -> None:
        self._app, self._hosts = app, frozenset(hosts)
        self._origins = {f"http://{host}" for host in self._hosts}
        self._token, self._cookie = token, cookie

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        cookie = self._set_cookie() if scope["path"] == "/" else None
        limited = _Limited(receive, send, cookie)
        await self._app(scope, limited.receive, limited.send)

    def _refusal(self, scope: Any, headers: dict[str, str]) -> tuple[int, str] | None:
        if headers.get("host") not in self._hosts:
            return 421, "This page is at the address that pictree label printed, and no other."
        is_start = scope["method"] == "GET" and scope["path"] == "/"
        site = headers.get("sec-fetch-site", "same-origin")
        if site not in ("same-origin", "none") and not is_start:
            return 403, "Requests from other pages are refused."
        if headers.get("origin", next(iter(self._origins))) not in self._origins:
            return 403, "Requests from other pages are refused."
        if scope["method"] not in ("GET", "HEAD"):
            if headers.get("content-type", "").partition(";")[0].strip() != "application/json":
                return 415, "What changes something must be JSON."
            if _length(headers) > MOST_BYTES:
                return 413, "The request is too large."
        if not self._knows_token(scope, headers, is_start):
            return 403, "Open the address that pictree label printed: it has this start's token."
        return None

    def _knows_token(self, scope: Any, headers: dict[str, str], is_start: bool) -> bool:
        given = [headers.get("x-pictree-token", ""), _cookie(headers, self._cookie)]
        given += [_token_in(scope)] if is_start else []
        return any(secrets.compare_digest(g.encode(), self._token.encode()) for g in given)

    def _set_cookie(self) -> tuple[bytes, bytes]:
        text = f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"
        return b"set-cookie", text.encode()


class _Limited:
    """A request whose body ends the exchange once it is too large; headers on every answer."""

    def __init__(self, receive: Any, send: Any, cookie: tuple[bytes, bytes] | None) -> None:
        self._receive, self._send, self._cookie, self._seen = receive, send, cookie, 0

    async def receive(self) -> Any:
        message = await self._receive()
        self._seen += len(message.get("body", b""))
        # Content-Length was looked at before; a body in chunks has none.
        return {"type": "http.disconnect"} if self._seen > MOST_BYTES else message

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            extra = [self._cookie] if self._cookie else []
            message["headers"] = [*message["headers"], *_encoded(HEADERS), *extra]
        await self._send(message)


async def _refuse(send: Any, status: int, text: str) -> None:
    body = (text + "\n").encode()
    named = {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body))}
    headers = _encoded({**HEADERS, **named, "Cache-Control": "no-store"})
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _token_in(scope: Any) -> str:
    try:
        values = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=9).get("token")
    except ValueError:
        return ""
    return values[0] if values else ""


def _cookie(headers: dict[str, str], name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


def _length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "0")
    return int(length) if length.isascii() and length.isdigit() else MOST_BYTES + 1
