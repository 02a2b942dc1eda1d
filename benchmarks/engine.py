"""What the engines add to the plain loop, per stage.

    OMP_NUM_THREADS=1 python benchmarks/engine.py [--images 10000 100000] [--engines local ray]

One thread for the loop, as each worker has.

The packaged digits, each repeated with one pixel changed, so that none is a duplicate, in small
shards. A small pile goes first through the same workers, which then have loaded what they need, as
in a long fit; how long their start and that pile took is told too. Beside the seconds of a stage
stand those of the work alone, added up over the workers' receipts.
"""

from __future__ import annotations

import argparse
import gzip
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import pictree
from pictree.device import choose_device
from pictree.engine.base import Engine
from pictree.engine.choose import open_engine
from pictree.images.sources import open_source
from pictree.pipeline import begin, learn, stock
from pictree.pipeline.pile import Pile
from pictree.progress import Progress
from pictree.recipes.recipe import load_recipe
from pictree.store import Run


def main() -> None:
    """Print a row for each number of images and engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--engines", nargs="+", default=["local", "processes", "ray"])
    parser.add_argument("--rows", type=int, default=2_500)
    asked = parser.parse_args()
    begin.shard_rows_for = lambda _: asked.rows
    print("| engine | images | shards | start, s | stock, s | codes, s | images/s | peak MiB |")
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, "first.npy")
        np.save(first, many_digits(4 * asked.rows))
        for images in asked.images:
            file = Path(folder, f"{images}.npy")
            np.save(file, many_digits(images))
            os.sync()  # else the first engine waits for the disk
            for name in asked.engines:
                out = Path(folder, f"{name}-{images}")
                measure(name, (first, file), out, images, asked.rows)


def measure(name: str, files: tuple[Path, Path], out: Path, images: int, rows: int) -> None:
    """Go through both piles by one engine, and print a row of the table for the second."""
    start = time.perf_counter()
    with open_engine(name, Progress()) as engine:
        stages(Receipts(engine), name, files[0], out.with_suffix(".first"))
        began = time.perf_counter() - start
        told = Receipts(engine)
        seconds = stages(told, name, files[1], out)
    stock_s, codes_s = seconds
    work = " | ".join(f"{s:.2f} ({w:.2f})" for s, w in zip(seconds, told.work, strict=True))
    print(
        f"| {name} | {images:,} | {-(-images // rows)} | {began:.1f} | {work} "
        f"| {images / (stock_s + codes_s):,.0f} | {told.peak_mb:,.0f} |",
        flush=True,
    )
    shutil.rmtree(out)


def stages(told: Receipts, name: str, file: Path, out: Path) -> tuple[float, float]:
    """Take stock and encode; return the seconds of each."""
    recipe, source, run = load_recipe("quick"), open_source(file), Run(out)
    begin.begin(run, source, recipe, None, None, None, 0, ())
    start = time.perf_counter()
    stock.stock(
        run,
        source,
        train_items=len(source),
        known=None,
        recipe=recipe,
        progress=Progress(),
        engine=told,
        pile=None if told.is_local else Pile.of(name, file),
    )
    stocked = time.perf_counter() - start
    told.work.append(stocked if told.is_local else told.taken())  # the loop has no receipts of it
    device = choose_device("float32")
    learn.learn(run, recipe, device, 0, Progress())
    start = time.perf_counter()
    learn.encode(run, device, Progress(), told)
    encoded = time.perf_counter() - start
    told.work.append(told.taken())
    return stocked, encoded


class Receipts(Engine):
    """Adds up what the receipts of an engine tell."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.is_local = engine, engine.is_local
        self._seconds = self.peak_mb = 0.0
        self.work: list[float] = []

    def map(self, work: Any, shards: Any) -> Any:
        """Pass on, and add up."""
        for receipt in self._engine.map(work, shards):
            self._seconds += receipt.seconds
            self.peak_mb = max(self.peak_mb, receipt.peak_mb)
            yield receipt

    def taken(self) -> float:
        """Return the seconds since the last call."""
        seconds, self._seconds = self._seconds, 0.0
        return seconds


def many_digits(images: int) -> np.ndarray:
    """Return so many different digits, uint8 (images, 28, 28)."""
    file = Path(pictree.__file__).parent / "data" / "t10k-images-idx3-ubyte.gz"
    digits = np.frombuffer(gzip.decompress(file.read_bytes()), np.uint8, offset=16)
    digits = digits.reshape(-1, 28, 28)
    rows = np.arange(images)
    many, copy = digits[rows % len(digits)], rows // len(digits)
    many[rows, copy // 28 % 28, copy % 28] = 1 + rows % 255
    return many


if __name__ == "__main__":
    main()
