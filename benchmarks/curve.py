"""Inventory, codes and tree of 28×28 pictures as the pile grows to ten million.

    OMP_NUM_THREADS=1 python -m benchmarks.curve WORK [--images 10000 100000 1000000 10000000]

Piles are drawn shapes with noise, as those of `benchmarks.memory` at half their size, each pile
one .npy. Prints a row for each: seconds of the processor by stage (which other work on the machine
hardly changes, so they are what a long run beside other work can tell), the stage's peak of memory,
what the run folder holds then. Needs twice the pile's size on the disk, and a quarter more; WORK
keeps nothing.
"""

from __future__ import annotations

import argparse
import resource
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.memory import BLOCK, SHIFT, shapes
from pictree.device import choose_device, return_pages
from pictree.engine.base import Local
from pictree.images.sources import open_source
from pictree.pipeline import fit, stock
from pictree.pipeline.begin import begin
from pictree.progress import Progress
from pictree.recipes.recipe import load_recipe
from pictree.store import Run

SIDE = 28
STAGES = ("stock", "learn", "encode", "group")


def main() -> None:
    """Print a row for each pile, as soon as it is through."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    sizes = [10_000, 100_000, 1_000_000, 10_000_000]
    parser.add_argument("--images", type=int, nargs="+", default=sizes)
    asked = parser.parse_args()
    asked.work.mkdir(parents=True, exist_ok=True)
    stages = " | ".join(f"{name}, s; MB" for name in ("open", *STAGES))
    print(f"| images | {stages} | run, GB | k | agreement |", flush=True)
    for images in asked.images:
        file, out = pile(asked.work, images), asked.work / f"run-{images}"
        print(row(file, out, images), flush=True)
        file.unlink()
        shutil.rmtree(out)


def pile(work: Path, images: int) -> Path:
    """Make the pictures."""
    file, drawn = work / f"small-{images}.npy", shapes()[:, ::2, ::2]
    array = np.lib.format.open_memmap(file, "w+", np.uint8, (images, SIDE, SIDE))
    for first in range(0, images, BLOCK):
        rng, count = np.random.default_rng(first), min(BLOCK, images - first)
        which = rng.integers(0, len(drawn), count)
        left, top = rng.integers(0, 2 * SHIFT + 1, (2, count))
        noise = rng.integers(0, 40, (count, SIDE, SIDE), dtype=np.uint8)
        for image, shape, x, y in zip(noise, which, left, top, strict=True):
            image += drawn[shape, y : y + SIDE, x : x + SIDE]
        array[first : first + count] = noise
    array.flush()
    return file


def row(file: Path, out: Path, images: int) -> str:
    """Go through the stages; return the table's row."""
    recipe, run, kept = load_recipe("quick"), Run(out), {}

    def opened() -> None:
        kept["source"] = open_source(file)
        begin(run, kept["source"], recipe, None, None, None, 0, ())

    told, device = [measured(opened)], choose_device("float32")
    source = kept["source"]

    def taken() -> None:
        words: dict[str, Any] = {"train_items": images, "known": None, "recipe": recipe}
        stock.stock(run, source, progress=Progress(), **words)

    stages = fit.stages_of(run, taken, recipe, None, device, 0, Progress(), Local())
    run.plan(stages)
    for name in STAGES:
        with run.stage(name):
            told.append(measured(stages[name]))
    size = sum(part.stat().st_size for part in out.rglob("*") if part.is_file())
    info = run.info
    cells = [f"{images:,}", *told, f"{size / 1e9:.2f}", str(info["k"]), f"{info['agreement']:.2f}"]
    return f"| {' | '.join(cells)} |"


def measured(do: Callable[[], Any]) -> str:
    """Return a stage's seconds of the processor, and its peak of memory in MB."""
    return_pages()
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    begun = _seconds()
    do()
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return f"{_seconds() - begun:.1f}; {int(status['VmHWM'].split()[0]) * 1024 / 1e6:,.0f}"


def _seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
