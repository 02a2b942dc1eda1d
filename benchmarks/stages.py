"""Seconds per stage and peak memory of whole runs.

    python benchmarks/stages.py DATA [--only mnist fashion-mnist usps coil20 torture] [--epochs N]

Each run is a `pictree fit` in a process of its own; the table is read from its run folder.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from pictree.recipes.recipe import change, load_recipe, to_toml

STAGES = ("stock", "learn", "encode", "group", "judge", "maps")


def idx(folder: Path) -> list[str]:
    """Both image files of an IDX data set, and both label files."""
    images = [str(folder / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    known = [str(folder / f"{part}-labels-idx1-ubyte.gz") for part in ("train", "t10k")]
    return [*images, *(word for file in known for word in ("--known-labels", file))]


def jobs(data: Path) -> dict[str, list[str]]:
    """Return the words of each run's command."""
    usps = ["--known-labels", "y_train", "--known-labels", "y_test"]
    return {
        "mnist": [*idx(data / "mnist"), "--k", "10"],
        "fashion-mnist": [*idx(data / "fashion-mnist"), "--k", "10"],
        "usps": [str(data / "usps.npz"), *usps, "--k", "10"],
        "coil20": [str(data / "coil20.npz"), "--known-labels", "labels", "--k", "20"],
        "torture": [str(data / "torture" / "pillow"), "--k", "auto"],
    }


def run(words: list[str], recipe: Path, out: Path) -> dict:
    """Fit; return what --json printed, with the stages' seconds."""
    command = [sys.executable, "-m", "pictree.cli", "fit", *words]
    command += ["-o", str(out), "--recipe", str(recipe), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    stages = json.loads((out / "run.json").read_text())["stages"]
    return json.loads(done.stdout) | {name: stages[name]["seconds"] for name in STAGES}


def main() -> None:
    """Run each job and print a row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--recipe", default="large-1568")
    parser.add_argument("--epochs", type=int)
    asked = parser.parse_args()
    recipe = load_recipe(asked.recipe)
    if asked.epochs:
        recipe = change(recipe, **{"training.epochs": asked.epochs})
    head = ["data", "used of files", *STAGES, "all s", "peak MB", "ACC", "ARI", "NMI", "silhouette"]
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "recipe.toml"
        file.write_text(to_toml(recipe))
        for name, words in jobs(asked.data).items():
            if asked.only and name not in asked.only:
                continue
            found = run(words, file, Path(folder) / name)
            cells = [name, f"{found['used']:,} of {found['images']:,}"]
            cells += [f"{found[stage]:.1f}" for stage in STAGES]
            cells += [f"{found['seconds']:.0f}", f"{found['peak_mb']:,.0f}"]
            cells += [f"{found[s]:.3f}" if s in found else "-" for s in ("acc", "ari", "nmi")]
            silhouette = found["silhouette"]
            cells.append("-" if silhouette is None else f"{silhouette:.3f}")
            print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
