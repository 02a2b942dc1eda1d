"""How many pictures a second `pictree serve` answers: `python benchmarks/serving.py RUN PICTURES`.

RUN is a finished run; PICTURES a folder of files. Each number of clients sends one picture a
request for ten seconds; the server has one process.
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


def main(run: str, folder: str) -> None:
    """Print requests a second and the time of one, for 1, 4 and 16 clients."""
    pictures = [file.read_bytes() for file in sorted(Path(folder).iterdir())[:500]]
    words = [sys.executable, "-m", "pictree.cli", "serve", run, "--port", "0", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = json.loads(next(server.stdout or iter(())))["address"]
            for clients in (1, 4, 16):
                report(clients, measured(address, pictures, clients))
        finally:
            server.terminate()


def measured(address: str, pictures: list[bytes], clients: int) -> list[float]:
    """Return the seconds of each request."""
    end = time.perf_counter() + SECONDS
    with ThreadPoolExecutor(clients) as pool:
        parts = [pool.submit(ask, address, pictures, start, end) for start in range(clients)]
        return [seconds for part in parts for seconds in part.result()]


def ask(address: str, pictures: list[bytes], start: int, end: float) -> list[float]:
    """Send one picture after the other until `end`; return the seconds of each."""
    taken = []
    headers = {"content-type": "application/octet-stream"}
    with httpx.Client(base_url=address, timeout=60) as client:
        for picture in islice(cycle(pictures), start * 31, None):
            began = time.perf_counter()
            if began > end:
                return taken
            client.post("/predict", content=picture, headers=headers).raise_for_status()
            taken.append(time.perf_counter() - began)
    return taken


def report(clients: int, taken: list[float]) -> None:
    """Print one line."""
    high = statistics.quantiles(taken, n=20)[-1]
    print(
        f"{clients} clients: {len(taken) / SECONDS:.0f} requests a second, "
        f"median {1000 * statistics.median(taken):.0f} ms, 95 % within {1000 * high:.0f} ms"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
