"""Peak memory and seconds of each stage as the pile grows: scan, then a `quick` run.

    python -m benchmarks.memory WORK [--images 10000 100000 1000000] [--maps] [--out FILE.jsonl]
    python -m benchmarks.memory --table FILE.jsonl

Makes piles of 64×64 pictures in WORK (drawn shapes with noise, no two alike, as one .npy each: 4 GB
for a million) and runs `pictree scan` and `pictree fit --recipe quick` on them, each in a process
of its own. Stopped, it goes on with the same command, with the stages that are done in the run
folder. The maps, which are of 100,000 pictures at most, are left out unless asked for.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import numpy as np

SIDE, SHIFT, KINDS, BLOCK = 64, 4, 20, 10_000
STAGES = ("scan", "stock", "learn", "encode", "group", "judge", "maps", "report")


def pile(work: Path, images: int) -> Path:
    """Make the pictures, where they are not made yet."""
    file = work / f"shapes-{images}.npy"
    if file.exists():
        return file
    partial = work / "partial.npy"
    array = np.lib.format.open_memmap(partial, "w+", np.uint8, (images, SIDE, SIDE))
    for first in range(0, images, BLOCK):
        rng = np.random.default_rng(first)
        array[first : first + BLOCK] = draw(min(BLOCK, images - first), rng)
    array.flush()
    partial.rename(file)
    return file


def draw(count: int, rng: np.random.Generator) -> np.ndarray:
    """Take drawn shapes, shift them, and add noise."""
    drawn = shapes()
    which = rng.integers(0, len(drawn), count)
    left, top = rng.integers(0, 2 * SHIFT + 1, (2, count))
    noise = rng.integers(0, 40, (count, SIDE, SIDE), dtype=np.uint8)
    for image, shape, x, y in zip(noise, which, left, top, strict=True):
        image += drawn[shape, y : y + SIDE, x : x + SIDE]
    return noise


@cache
def shapes() -> np.ndarray:
    """Draw closed curves of twenty kinds, in 64 turns and sizes each, uint8 with a margin."""
    side = SIDE + 2 * SHIFT
    at = np.arange(side, dtype=np.float32) - side / 2
    x, y = at[None, :], at[:, None]
    drawn = []
    for kind in range(KINDS):
        lobes, depth = 2 + kind % 5, 0.15 + 0.15 * (kind // 5)
        for turn in np.linspace(-0.3, 0.3, 8):
            edge = 1 + depth * np.cos(lobes * (np.arctan2(y, x) + turn))
            for size in np.linspace(13, 20, 8):
                drawn.append(np.clip(size * edge - np.hypot(x, y), 0, 1) * 200)
    return np.array(drawn).astype(np.uint8)


def timed(command: list[str]) -> tuple[float, float, str]:
    """Run a command; return its seconds, its peak memory in MB and what it printed."""
    start = time.perf_counter()
    wrapper = [sys.executable, "-m", "benchmarks.memory", "--peak", *command]
    done = subprocess.run(wrapper, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    *said, peak = done.stdout.strip().splitlines()
    return seconds, float(peak), "\n".join(said)


def peak_of(command: list[str]) -> None:
    """Run a command, then print the most memory that it held, in MB."""
    code = subprocess.run(command, check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(used * (1 if sys.platform == "darwin" else 1024) / 1e6)
    sys.exit(code)


def measure(work: Path, images: int, maps: bool) -> dict:
    """Scan and fit one pile; return seconds by stage and peaks."""
    file, run = pile(work, images), work / f"run-{images}"
    pictree = [sys.executable, "-m", "pictree.cli"]
    scanned, scan_peak, _ = timed([*pictree, "scan", str(file), "--json"])
    recipe = work / "quick.toml"
    text = subprocess.run(
        [*pictree, "recipes", "quick"], capture_output=True, text=True, check=True
    ).stdout
    recipe.write_text(text if maps else text.replace('["pca", "tsne", "umap"]', '["pca"]'))
    command = [*pictree, "fit", str(file), "-o", str(run), "--recipe", str(recipe)]
    took, peak, said = timed([*command, "--resume", "--json"])
    found = json.loads(said)
    stages = json.loads((run / "run.json").read_text())["stages"]
    seconds = {name: stages[name]["seconds"] for name in STAGES if name in stages}
    seconds["report"] = max(0.0, took - sum(seconds.values()))
    return {
        "images": images,
        "seconds": {"scan": round(scanned, 1), **{k: round(v, 1) for k, v in seconds.items()}},
        "peak_mb": {"scan": round(scan_peak), "fit": round(peak)},
        "k": found["k"],
        "agreement": found["agreement"],
    }


def table(records: list[dict]) -> str:
    """Return the Markdown table."""
    head = ["images", *(f"{name}, s" for name in STAGES), "scan MB", "fit MB", "k", "agreement"]
    lines = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head)]
    for record in records:
        cells = [f"{record['images']:,}"]
        cells += [f"{record['seconds'].get(name, 0):,.0f}" for name in STAGES]
        cells += [f"{record['peak_mb'][name]:,}" for name in ("scan", "fit")]
        cells += [str(record["k"]), f"{record['agreement']:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure each size, or print the table."""
    if sys.argv[1:2] == ["--peak"]:
        peak_of(sys.argv[2:])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path, nargs="?")
    parser.add_argument("--images", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--maps", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path)
    asked = parser.parse_args()
    if asked.table:
        print(table([json.loads(line) for line in asked.table.read_text().splitlines()]))
        return
    if asked.work is None:
        parser.error("WORK is missing: a folder for the piles and runs")
    asked.work.mkdir(parents=True, exist_ok=True)
    out = asked.out or asked.work / "memory.jsonl"
    for images in asked.images:
        record = measure(asked.work, images, asked.maps)
        with out.open("a") as file:
            file.write(json.dumps(record) + "\n")
    print(table([json.loads(line) for line in out.read_text().splitlines()]))


if __name__ == "__main__":
    main()
