"""Who sends slowly, or nothing, keeps nobody else waiting; the real server, with little room."""

from __future__ import annotations

import json
import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

SERVES = """
import json, sys
from pictree.serve.limits import Limits
from pictree.serve.serve import serve

few = Limits(megabytes=1, waiting=2)
serve(sys.argv[1], port=0, limits=few, say=lambda said: print(json.dumps(said), flush=True))
"""
PNG = {"content-type": "image/png"}
FULL = "Too many requests are being answered; send it again in a moment."


@pytest.fixture(scope="module")
def client(served_run: Path) -> Iterator[httpx.Client]:
    words = [sys.executable, "-c", SERVES, str(served_run)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        address = json.loads(process.stdout.readline())["address"]
        with httpx.Client(base_url=address, timeout=60) as opened:
            yield opened
        process.kill()


def sending(client: httpx.Client, sent: int, of: int) -> socket.socket:
    """Begin to send a picture of so many bytes, and stop after some."""
    host, port = client.base_url.host, client.base_url.port
    line = socket.create_connection((host, port or 80))
    head = f"POST /predict HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: image/png\r\n"
    line.sendall(f"{head}Content-Length: {of}\r\n\r\n".encode() + bytes(sent))
    return line


def test_slow_uploads_take_no_place(client: httpx.Client, fresh: Path) -> None:
    picture = (fresh / "0000.png").read_bytes()
    with ExitStack() as stack:
        slow = [stack.enter_context(sending(client, 10, 1_000)) for _ in range(40)]
        answer = client.post("/predict", content=picture, headers=PNG)
        assert answer.status_code == 200
        for line in slow:  # they were being received, and are as welcome as others
            line.sendall(bytes(990))
            assert line.recv(12) in (b"HTTP/1.1 422", b"HTTP/1.1 503")


def test_connections_that_say_nothing_shut_nobody_out(client: httpx.Client, fresh: Path) -> None:
    picture = (fresh / "0000.png").read_bytes()
    with ExitStack() as stack:
        for _ in range(600):
            line = socket.create_connection((client.base_url.host, client.base_url.port or 80))
            stack.enter_context(line)
        answer = client.post("/predict", content=picture, headers=PNG)
        assert answer.status_code == 200


def test_bodies_on_their_way_have_room_together(client: httpx.Client, fresh: Path) -> None:
    picture = (fresh / "0000.png").read_bytes()
    large = bytes(300_000)

    def refused() -> bool:
        answer = client.post("/predict", content=large, headers=PNG)
        assert answer.status_code in (422, 503)
        return answer.status_code == 503 and answer.json() == {"error": FULL}

    with ExitStack() as stack:
        slow = [stack.enter_context(sending(client, 950_000, 1_000_000)) for _ in range(2)]
        while not refused():  # the bytes have not come yet
            # One that came after the large one may have been refused in its place.
            for i, line in enumerate(slow):
                if select.select([line], [], [], 0)[0]:
                    slow[i] = stack.enter_context(sending(client, 950_000, 1_000_000))
        assert client.post("/predict", content=picture, headers=PNG).status_code == 200
    while refused():  # the server has not heard yet that they are gone
        pass
