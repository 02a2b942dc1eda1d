"""Who may talk to the page: this machine, this address, this start's token. Nobody else."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from pictree.exchange import Exchange, headers_of

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
        refusal = self._refusal(scope, headers_of(scope))
        is_start = refusal is None and scope["path"] == "/"  # nobody else is given the cookie
        headers = HEADERS | ({"Set-Cookie": self._set_cookie()} if is_start else {})
        exchange = Exchange(receive, send, headers=headers, most=MOST_BYTES, too_large=_hang_up)
        if refusal is None:
            await self._app(scope, exchange.receive, exchange.send)
        else:
            status, text = refusal
            await exchange.answer(status, "text/plain; charset=utf-8", f"{text}\n".encode())

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

    def _set_cookie(self) -> str:
        return f"{self._cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict"


def _hang_up() -> dict[str, str]:
    return {"type": "http.disconnect"}


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
