"""How many pictures a second `pictree serve` answers: `python benchmarks/serving.py RUN PICTURES`.

RUN is a finished run; PICTURES a folder of files. Clients ask one after the other for ten seconds,
first with one picture a request, then one client with 64. The server has one process; the clients
are threads of another, on the same cores.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from pathlib import Path

import httpx

SECONDS = 10
WARMING = 20
LOADS = ((1, 1), (4, 1), (16, 1), (1, 64))
"""Clients, and pictures in a request."""


def main(run: str, folder: str) -> None:
    """Print requests and pictures a second, and the time of a request, for each load."""
    pictures = [file.read_bytes() for file in sorted(Path(folder).iterdir())[:500]]
    words = [sys.executable, "-m", "pictree.cli", "serve", run, "--port", "0", "--json"]
    began = time.perf_counter()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = json.loads(next(server.stdout or iter(())))["address"]
            print(f"listening after {time.perf_counter() - began:.1f} s")
            ask(address, pictures, 0, 1, WARMING)
            for clients, together in LOADS:
                report(clients, together, measured(address, pictures, clients, together))
            print(f"peak memory of the server {peak_mb(server.pid)} MB")
        finally:
            server.terminate()


def measured(address: str, pictures: list[bytes], clients: int, together: int) -> list[float]:
    """Return the seconds of each request."""
    with ThreadPoolExecutor(clients) as pool:
        parts = [pool.submit(ask, address, pictures, i, together) for i in range(clients)]
        return [seconds for part in parts for seconds in part.result()]


def ask(
    address: str, pictures: list[bytes], client: int, together: int, most: int | None = None
) -> list[float]:
    """Send pictures until the time is over, or `most` requests; return the seconds of each."""
    taken: list[float] = []
    stream = islice(cycle(pictures), client * 31, None)
    end = time.perf_counter() + SECONDS
    with httpx.Client(base_url=address, timeout=60) as web:
        while len(taken) != most:
            form = [("image", (f"{i}.png", next(stream))) for i in range(together)]
            began = time.perf_counter()
            if most is None and began > end:
                break
            web.post("/predict", files=form).raise_for_status()
            taken.append(time.perf_counter() - began)
    return taken


def report(clients: int, together: int, taken: list[float]) -> None:
    """Print one line."""
    high = statistics.quantiles(taken, n=20)[-1]
    print(
        f"{clients} clients, {together} pictures a request: {len(taken) / SECONDS:.0f} requests, "
        f"{together * len(taken) / SECONDS:.0f} pictures a second, "
        f"median {1000 * statistics.median(taken):.0f} ms, 95 % within {1000 * high:.0f} ms"
    )


def peak_mb(process: int) -> int:
    """Return the most memory that a process has held so far (Linux)."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    main(*sys.argv[1:])
