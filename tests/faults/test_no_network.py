"""The block that the whole suite runs behind does hold, here and in children."""

from __future__ import annotations

import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from tests.conftest import CONNECTIONS

ASK = """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), timeout=1)
except PermissionError as error:
    print(error)
"""


def test_another_machine_is_refused_and_noted() -> None:
    with pytest.raises(PermissionError, match=r"tests may not connect to '192\.0\.2\.1'"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen("http://pictures.example/", timeout=1)
    noted = CONNECTIONS.read_text().split("\n")
    CONNECTIONS.write_text("")
    assert noted == [
        "socket.getaddrinfo 192.0.2.1",
        "socket.getaddrinfo pictures.example",
        "",
    ]


def test_a_child_is_refused_too() -> None:
    done = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True)
    assert done.stdout == "tests may not connect to '192.0.2.1'\n"
    assert CONNECTIONS.read_text() == "socket.getaddrinfo 192.0.2.1\n"
    CONNECTIONS.write_text("")


def test_this_machine_is_not(free: socket.socket) -> None:
    with socket.create_connection(free.getsockname(), timeout=5):
        assert CONNECTIONS.read_text() == ""


@pytest.fixture
def free() -> Iterator[socket.socket]:
    listening = socket.create_server(("127.0.0.1", 0))
    yield listening
    listening.close()
