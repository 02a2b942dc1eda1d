"""What the engines add to the plain loop, per stage.

    python benchmarks/engine.py [--images 10000 100000] [--engines local processes ray]

The packaged digits, each repeated with one pixel changed, so that none is a duplicate, in small
shards. Workers that are started already are what a long fit has; their start is told too.
"""

from __future__ import annotations

import argparse
import gzip
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
from pictree.pipeline import fit, learn, stock
from pictree.pipeline.pile import Pile
from pictree.progress import Progress
from pictree.recipes.recipe import load_recipe
from pictree.store import Run


def main() -> None:
    """Print a line for each number of images and engine."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--engines", nargs="+", default=["local", "processes", "ray"])
    parser.add_argument("--rows", type=int, default=2_500)
    asked = parser.parse_args()
    fit.shard_rows_for = lambda _: asked.rows
    with tempfile.TemporaryDirectory() as folder:
        for images in asked.images:
            file = Path(folder, f"{images}.npy")
            np.save(file, many_digits(images))
            for name in asked.engines:
                measure(name, file, Path(folder, f"{name}-{images}"), images, asked.rows)


def measure(name: str, file: Path, out: Path, images: int, rows: int) -> None:
    """Take stock and encode by one engine, and print seconds and how much the receipts tell."""
    recipe = load_recipe("quick")
    start = time.perf_counter()
    with open_engine(name, Progress()) as engine:
        list(engine.map(warm, range(2)))
        began = time.perf_counter() - start
        source, run = open_source(file), Run(out)
        fit._begin(run, source, recipe, None, None, None, 0, ())
        told = Receipts(engine)
        start = time.perf_counter()
        stock.stock(
            run,
            source,
            train_items=images,
            known=None,
            recipe=recipe,
            progress=Progress(),
            engine=told,
            pile=None if engine.is_local else Pile.of(name, file),
        )
        stocked, in_stock = time.perf_counter() - start, told.seconds
        device = choose_device("float32")
        learn.learn(run, recipe, device, 0, Progress())
        told.seconds = 0.0
        start = time.perf_counter()
        learn.encode(run, device, Progress(), told)
        encoded = time.perf_counter() - start
    print(
        f"{name:10} {images:9,} images, {-(-images // rows):4} shards: start {began:5.1f} s, "
        f"stock {stocked:6.2f} s (work {in_stock:6.2f}), codes {encoded:6.2f} s "
        f"(work {told.seconds:6.2f}), peak of a worker {told.peak_mb:,.0f} MiB",
        flush=True,
    )


class Receipts(Engine):
    """Adds up what the receipts of an engine tell."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.is_local = engine, engine.is_local
        self.seconds = self.peak_mb = 0.0

    def map(self, work: Any, shards: Any) -> Any:
        """Pass on, and add up."""
        for receipt in self._engine.map(work, shards):
            self.seconds += receipt.seconds
            self.peak_mb = max(self.peak_mb, receipt.peak_mb)
            yield receipt


def warm(shard: int) -> int:
    """Load what work needs, so that its first shard is like the others."""
    import torch

    torch.zeros(8) @ torch.zeros(8)
    return shard


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
