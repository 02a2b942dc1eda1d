"""Refuses and notes every connection but to this machine; the tests' children import it by itself.

`tests/conftest.py` puts this folder into PYTHONPATH, and fails the test during which something was
noted. An audit hook hears every module of Python, and no other program: the browser's tests look at
each request themselves.
"""

from __future__ import annotations

import ipaddress
import os
import sys

NOTES = "PICTREE_TEST_CONNECTIONS"
EVENTS = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo")


def hear(event: str, arguments: tuple) -> None:
    """Refuse what leads to another machine."""
    if event not in EVENTS:
        return
    address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
    host = address[0] if isinstance(address, tuple) else address
    if event != "socket.getaddrinfo" and not isinstance(address, tuple):
        return  # a socket that is a file
    if not is_ours(host):
        with open(os.environ[NOTES], "a", encoding="utf-8") as notes:  # noqa: PTH123
            notes.write(f"{event} {host}\n")
        raise PermissionError(f"tests may not connect to {host!r}")


def is_ours(host: object) -> bool:
    """Tell whether a host is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


if NOTES in os.environ:
    sys.addaudithook(hear)
