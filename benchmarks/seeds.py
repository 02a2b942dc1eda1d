"""The three published recipes over three seeds, as docs/seeds.md reports them.

    python benchmarks/seeds.py DATA [--only small-98 large-1568 flat-2] [--seeds 0 1 2]

Maps are left out: they change no figure here.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from pictree.recipes.recipe import change, load_recipe, to_toml

FIGURES = ("loss", "validation_loss", "silhouette", "acc", "ari", "nmi", "seconds")


def jobs(data: Path, folder: Path) -> dict[str, tuple[str, list[str]]]:
    """Recipe and words of each run's command."""
    mnist = data / "mnist"
    train, test = (str(mnist / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k"))
    tiny = folder / "tiny.npy"
    np.save(tiny, np.random.default_rng(0).integers(0, 256, (1000, 3, 3), np.uint8))
    return {
        "small-98": ("small-98", [train, "--validation", test]),
        "large-1568": ("large-1568", [train, "--validation", test, "--k", "10"]),
        "flat-2 on 3×3 arrays": ("flat-2", [str(tiny)]),
        "flat-2 on digits": ("flat-2", [test]),
    }


def figures(words: list[str], recipe: str, seed: int, out: Path) -> dict:
    """Fit; return the figures, with the held-out images' scores beside them."""
    command = [sys.executable, "-m", "pictree.cli", "fit", *words, "-o", str(out)]
    file = out.with_suffix(".toml")
    file.write_text(to_toml(change(load_recipe(recipe), **{"maps.methods": []})))
    command += ["--recipe", str(file), "--seed", str(seed), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    found = json.loads(done.stdout)
    held_out = json.loads((out / "metrics.json").read_text())["held_out"] or {}
    return {name: found.get(name) for name in FIGURES} | {"held-out acc": held_out.get("acc")}


def main() -> None:
    """Run all and print a row for each recipe: mean ± deviation over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    head = ["recipe", *FIGURES, "held-out acc"]
    print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
    with tempfile.TemporaryDirectory() as folder:
        for name, (recipe, words) in jobs(asked.data, Path(folder)).items():
            if asked.only and recipe not in asked.only:
                continue
            found = []
            for seed in asked.seeds:
                out = Path(folder) / f"{recipe}-{len(list(Path(folder).iterdir()))}"
                found.append(figures(words, recipe, seed, out))
                print(f"{name}, seed {seed}: {found[-1]}", file=sys.stderr, flush=True)
            print(f"| {name} | {' | '.join(spread(found, key) for key in head[1:])} |", flush=True)


def spread(found: list[dict], key: str) -> str:
    """Return mean ± deviation of a figure, or a dash."""
    values = [row[key] for row in found if row[key] is not None]
    return f"{np.mean(values):.4f} ± {np.std(values):.4f}" if values else "-"


if __name__ == "__main__":
    main()
