"""The server, until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

import uvicorn

from pictree.label.serve import ADDRESS, Server, allow_many_sockets, bound
from pictree.serve.app import api_app
from pictree.serve.limits import Limits
from pictree.serve.model import Model

PORT = 8400
_GRACE = 5
"""Seconds that requests have to end after Ctrl-C or SIGTERM."""
_OTHER_FILES = 256
"""What may be open beside connections: the run's files, children, uploads kept on disk."""
_EVERY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""What a browser on this machine takes in place of an address that means all of them."""


def serve(
    run_path: str | Path,
    *,
    host: str = ADDRESS,
    port: int = PORT,
    names: Sequence[str] = (),
    k: int | None = None,
    limits: Limits | None = None,
    say: Callable[[dict[str, str]], None],
) -> None:
    """Answer requests about a run until Ctrl-C or SIGTERM.

    Parameters
    ----------
    run_path : path-like
        A finished run; what happens to it after the start is not seen.
    host : str
        Address of this machine to listen at; this machine alone can reach the default.
    port : int
        0 takes a free one.
    names : sequence of str
        Further names that clients may call the server by.
    k : int, optional
        Of a cut that `pictree cut` made; the fit's own clusters by default.
    limits : Limits, optional
    say : callable
        Takes ``{"address": ...}`` once requests are taken.

    Raises
    ------
    RunError
        If the run can't be served.
    InputError
        If the port is taken, or the address is not this machine's.
    """
    limits = limits or Limits()
    with bound(host, port) as listening, Model(run_path, limits, k=k) as model:
        port = listening.getsockname()[1]
        app = api_app(
            model,
            hosts=hosts_of(host, port, names),
            limits=limits,
            version=version("pictree"),
        )
        listening.listen(128)
        local = _EVERY.get(host, host)
        shown = f"[{local}]" if ":" in local else local
        say({"address": f"http://{shown}:{port}"})
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            limit_concurrency=max(1, allow_many_sockets() - _OTHER_FILES),
            timeout_graceful_shutdown=_GRACE,
        )
        Server(config).run(sockets=[listening])


def hosts_of(host: str, port: int, names: Sequence[str]) -> list[str]:
    """Return the Host headers that are answered.

    Parameters
    ----------
    host : str
        Address that is listened at.
    port : int
    names : sequence of str
        Given by the user, with or without a port.
    """
    shown = f"[{host}]" if ":" in host else host
    own = {shown, ADDRESS, "localhost"}
    found = {f"{name}:{port}" for name in own} | (own if port == 80 else set())
    return sorted(found | set(names) | {f"{name}:{port}" for name in names})
