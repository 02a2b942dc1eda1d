"""Decisions per picture with the recipe quick, as docs/method.md reports them.

    python benchmarks/effort.py DATA [--only COIL-20 USPS]

Maps are left out: they change no figure here. In brackets: what as many labels on random pictures
give. "On sheets": the person sees 36 random pictures of each group, not all; mean of 20 draws.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from importlib.resources import files
from pathlib import Path

import numpy as np

from pictree.evaluation.decisions import by_going_down, count_nodes, decisions_for
from pictree.recipes.recipe import change, load_recipe, to_toml
from pictree.store import Run

SHEET, DRAWS = 36, 20
COLUMNS = (
    "data, pictures", "k, leaves", "90 %", "95 %", "98 %", "50 decisions", "50 random labels",
    "one cut: 90, 95, 98 %; 50", "on sheets: 95 %; 50", "every leaf",
)  # fmt: skip


def jobs(data: Path) -> dict[str, list[str]]:
    """Words of each run's command; the packaged digits need no DATA."""
    digits = str(files("pictree") / "data" / "t10k-images-idx3-ubyte.gz")
    mnist, fashion = data / "mnist", data / "fashion-mnist"
    parts = [str(mnist / f"{part}-images-idx3-ubyte.gz") for part in ("train", "t10k")]
    usps, coil = data / "usps.npz", data / "coil20.npz"
    known = ["--known-labels", "y_train", "--known-labels", "y_test"]
    return {
        "digits (packaged)": [digits],
        "MNIST": parts,
        "USPS": [f"{usps}:x_train", f"{usps}:x_test", *known],
        "COIL-20": [f"{coil}:images", "--known-labels", "labels"],
        "Fashion-MNIST test part": [str(fashion / "t10k-images-idx3-ubyte.gz")],
    }


def fit(words: list[str], folder: Path) -> Run:
    """Return the finished run."""
    recipe, out = folder / "quick.toml", folder / f"run-{len(list(folder.iterdir()))}"
    recipe.write_text(to_toml(change(load_recipe("quick"), **{"maps.methods": []})))
    command = [sys.executable, "-m", "pictree.cli", "fit", *words, "-o", str(out)]
    done = subprocess.run([*command, "--recipe", str(recipe), "--json"], capture_output=True)
    if done.returncode:
        sys.exit(done.stderr.decode())
    return Run.open(json.loads(done.stdout)["run"])


def on_sheets(run: Run) -> str:
    """Mean decisions for 95 %, where every draw reaches it, and mean share after 50."""
    tree, known = run.arrays("tree.npz"), run.used()["known_label"].to_list()
    counts = count_nodes(tree["leaves"], tree["children"], [known[row] for row in tree["rows"]])
    images, needed, shares = int(counts[-1].sum()), [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        seen = [rng.multivariate_hypergeometric(row, min(SHEET, row.sum())) for row in counts]
        right = by_going_down(counts, tree["children"], run.info["k"], np.array(seen))
        needed.append(decisions_for(right, images, 0.95))
        shares.append(right[min(50, len(right) - 1)] / images)
    reached = "–" if None in needed else f"{np.mean(needed):.0f}"
    return f"{reached}; {percent(np.mean(shares))}"


def row(name: str, run: Run) -> list[str]:
    """Return the cells of one data set."""
    found = run.metrics["effort"]
    budget = found["budget"]
    down = [_cell(target["going_down"]) for target in found["targets"]]
    naming = [target["naming"] for target in found["targets"]]
    cut = ", ".join(str(work["decisions"]) if work else "–" for work in naming)
    return [
        f"{name}, {found['images']:,}",
        f"{found['k']}, {found['leaves']}",
        *down,
        percent(budget["going_down"]["accuracy"]),
        percent(budget["naming"]["random"]),
        f"{cut}; {percent(budget['naming']['accuracy'])}",
        on_sheets(run),
        percent(found["best"]),
    ]


def _cell(work: dict | None) -> str:
    if work is None:
        return "–"
    return f"{work['decisions']}: {percent(work['accuracy'])} ({percent(work['random'])})"


def percent(share: float) -> str:
    """Return a share as 96.8 %."""
    return f"{100 * share:.1f} %"


def main() -> None:
    """Fit each data set and print its row."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*")
    asked = parser.parse_args()
    print(f"| {' | '.join(COLUMNS)} |\n|{' --- |' * len(COLUMNS)}")
    with tempfile.TemporaryDirectory() as folder:
        for name, words in jobs(asked.data).items():
            if not asked.only or name in asked.only:
                print(f"| {' | '.join(row(name, fit(words, Path(folder))))} |", flush=True)


if __name__ == "__main__":
    main()
