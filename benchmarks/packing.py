"""What packing loose files costs, and what it spares.

    python -m benchmarks.packing [--files 20000]

The packaged digits as PNG files in a folder of a thousand each, with one pixel changed in each
round. Seconds to pack them, to open both, and to read and decode both.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from benchmarks.engine import many_digits
from pictree.images.format import choose_format
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source
from pictree.pipeline.pack import pack


def main() -> None:
    """Print a row for each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        loose, packed = Path(folder, "loose"), Path(folder, "packed")
        for i, digit in enumerate(many_digits(asked.files)):
            file = loose / f"{i // 1000:04d}" / f"{i:06d}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(digit).save(file)
        os.sync()
        print("| what | loose, s | packed, s |")
        print(f"| packing | | {seconds_of(lambda: pack(str(loose), packed)):.2f} |")
        for what, step in (("opening", open_source), ("reading and decoding", _read)):
            told = [seconds_of(lambda s=step, p=path: s(str(p))) for path in (loose, packed)]
            print(f"| {what} | {told[0]:.2f} | {told[1]:.2f} |", flush=True)


def seconds_of(step: Callable[[], Any]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def _read(path: str) -> None:
    source = open_source(path)
    fmt = choose_format(source, (28, 28), 1)
    take_stock(source, range(len(source)), fmt, first_id=0, seen={})


if __name__ == "__main__":
    main()
