"""A thousand sockets that hold the label page's server up, and a person who works meanwhile.

``python -m tests.faults.sockets RUN`` prints how long the person waited, alone and meanwhile.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import threading
import time
from pathlib import Path

import numpy as np

from tests.faults.serving import Server

IDLE, SLOW, STUCK = 400, 300, 300
REQUESTS = 400


def crowd(server: Server) -> list[socket.socket]:
    """Open sockets that say nothing, begin a request, or promise a body that never comes."""
    host, _, port = server.host.partition(":")
    opened = [socket.create_connection((host, int(port))) for _ in range(IDLE + SLOW + STUCK)]
    for one in opened[IDLE:]:
        one.sendall(f"POST /api/act HTTP/1.1\r\nHost: {server.host}\r\n".encode())
    for one in opened[IDLE + SLOW :]:
        head = f"X-Pictree-Token: {server.token}\r\nContent-Type: application/json\r\n"
        one.sendall(f"{head}Content-Length: 15000000\r\n\r\n".encode() + b" " * 5_000)
    return opened


def trickle(opened: list[socket.socket], end: threading.Event) -> None:
    """Send a byte on each socket that has begun, again and again."""
    while not end.is_set():
        for number, one in enumerate(opened[IDLE:]):
            try:
                one.sendall(b"X" if number < SLOW else b" ")
            except OSError:
                continue
        end.wait(0.2)


def huge(server: Server) -> list[int]:
    """Ask what is too large, in each way; return the answers' codes, 0 for a closed door."""
    found = []
    named = {"X-Pictree-Token": server.token, "Content-Type": "application/json"}
    for path, headers, body in (
        ("/api/act", named, b" " * (17 << 20)),
        ("/sheet?ids=" + "1," * 100_000, named, None),
        ("/", {**named, "X-Long": "x" * 1_000_000}, None),
    ):
        line = http.client.HTTPConnection(server.host, timeout=60)
        try:
            line.request("POST" if body else "GET", path, body, headers)
            found.append(line.getresponse().status)
        except (OSError, http.client.HTTPException):
            found.append(0)
        line.close()
    return found


def waits(server: Server) -> np.ndarray:
    """Ask for the state, a sheet and a name in turn; return the milliseconds of each."""
    found = []
    for number in range(REQUESTS):
        path = ("/api/state", "/sheet?ids=0,1,2", "/api/group/0")[number % 3]
        began = time.perf_counter()
        line = http.client.HTTPConnection(server.host, timeout=60)
        line.request("GET", path, headers={"X-Pictree-Token": server.token})
        answer = line.getresponse()
        answer.read()
        line.close()
        if answer.status not in (200, 404):
            raise AssertionError(answer.status)
        found.append(1000 * (time.perf_counter() - began))
    return np.array(found)


def figures(times: np.ndarray) -> dict[str, float]:
    return {f"p{q}": round(float(np.percentile(times, q)), 1) for q in (50, 99)}


def measure(run: Path) -> dict[str, object]:
    """Return the person's waits in milliseconds, alone and beside the crowd."""
    with Server(run) as server:
        alone = figures(waits(server))
        opened, end = crowd(server), threading.Event()
        teasing = threading.Thread(target=trickle, args=(opened, end))
        teasing.start()
        try:
            meanwhile, codes = figures(waits(server)), huge(server)
        finally:
            end.set()
            teasing.join()
        for one in opened:
            one.close()
        after = figures(waits(server))
    return {"sockets": len(opened), "alone": alone, "meanwhile": meanwhile, "after": after,
            "huge": codes}  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))  # noqa: T201
