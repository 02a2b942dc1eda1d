"""The label page on this machine alone, until Ctrl-C."""

from __future__ import annotations

import os
import secrets
import socket
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from pictree.errors import InputError
from pictree.label.app import label_app
from pictree.label.session import Session
from pictree.store import Run

ADDRESS = "127.0.0.1"
_SOCKETS = 8_192


def serve(
    run_path: str | Path,
    *,
    port: int | None = None,
    browser: bool = True,
    say: Callable[[dict[str, str]], None],
) -> None:
    """Serve a run's label page until Ctrl-C or SIGTERM.

    Parameters
    ----------
    run_path : path-like
    port : int, optional
        A free one is chosen if not given.
    browser : bool
        Open the page in the person's browser.
    say : callable
        Takes ``{"address": ...}`` once the page can be opened.

    Raises
    ------
    RunError
        If the run is not finished, in use, or damaged.
    InputError
        If the port is taken.
    """
    run = Run.open(run_path)
    with run.lock(), bound(ADDRESS, port) as listening:
        session = Session(run)
        try:
            host = f"{ADDRESS}:{listening.getsockname()[1]}"
            token = secrets.token_urlsafe(24)
            _serve(session, listening, host, token, browser=browser, say=say)
        finally:
            session.close()


def _serve(
    session: Session,
    listening: socket.socket,
    host: str,
    token: str,
    *,
    browser: bool,
    say: Callable[[dict[str, str]], None],
) -> None:
    port = listening.getsockname()[1]
    hosts = [host, f"localhost:{port}"]
    app = label_app(session, hosts=hosts, token=token, cookie=f"pictree-{port}")
    address = f"http://{host}/?token={token}"
    allow_many_sockets()
    listening.listen()
    say({"address": address})
    if browser:
        webbrowser.open(address)
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", server_header=False,
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    Server(config).run(sockets=[listening])


def allow_many_sockets() -> int:
    """Raise our limit of open files: who holds a thousand connections shuts nobody out.

    Returns
    -------
    int
        How many files we may have open.
    """
    if os.name == "nt":  # there sockets are no files
        return _SOCKETS
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _SOCKETS
    wanted = _SOCKETS if hard == resource.RLIM_INFINITY else min(_SOCKETS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


class Server(uvicorn.Server):
    """A server whose end by Ctrl-C is no error: it is how one ends it."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End when the requests that are being answered are."""
        self.should_exit = True


def bound(host: str, port: int | None) -> socket.socket:
    """Return a socket bound to an address of this machine, to a free port if none is given.

    Raises
    ------
    InputError
        If the port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Told that it is TCP, asyncio sends each answer's end at once, not 40 ms after its beginning.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port or 0))
    except OSError as error:
        listening.close()
        raise InputError(
            "a server needs an address of this machine and a free port",
            got=f"{host}, port {port} ({error.strerror})",
            do="Choose another --port",
        ) from error
    return listening
