"""The command line in a forked child: the words of a command, and what it said."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from pictree.cli import main
from pictree.recipes.recipe import change, load_recipe, to_toml

DIGITS = (load_digits().images * 15).astype(np.uint8)
WORDS: dict[str, list[str]] = {
    "fit": ["fit", "old", "-o", "run", "--recipe", "small.toml", "--k", "3", "--resume"],
    "fit and draw": ["fit", "old", "-o", "run", "--recipe", "drawn.toml", "--k", "3", "--resume"],
    "learn": ["fit", "old", "-o", "run", "--recipe", "learned.toml", "--k", "3", "--resume"],
    "add": ["add", "run", "new"],
    "predict": ["predict", "run", "new", "-o", "said.csv"],
    "export": ["export", "run", "--to", "imagefolder", "-o", "out"],
    "cut": ["cut", "run", "--k", "2"],
    "report": ["report", "run"],
    "find": ["find", "duplicates", "run"],
    "verify": ["verify", "run"],
    "scan": ["scan", "old"],
}
"""Relative to the folder that they work in."""

GUARDED = ("png", "bmp", "tif", "png")
"""Kinds of pictures, of which child processes decode the half."""

ONCE = {"add": "added", "predict": "said.csv", "export": "out"}
"""What is there once these have ended: they are not to be done twice."""


def prepare(work: Path, kinds: tuple[str, ...] = ("png",)) -> None:
    """Write two small piles of pictures, and three recipes: a map is half of a small fit's time."""
    for name, digits in (("old", DIGITS[:40]), ("new", DIGITS[200:212])):
        (work / name).mkdir()
        for i, digit in enumerate(digits):
            kind = kinds[i % len(kinds)]
            Image.fromarray(digit).save(work / name / f"{i:02}.{kind}")
    for file, methods in (("small.toml", []), ("drawn.toml", ["pca"])):
        quick = change(load_recipe("quick"), **{"maps.methods": methods})
        (work / file).write_text(to_toml(quick))
    few = {"maps.methods": ["pca"], "rounds.count": 1, "rounds.images": 60, "rounds.growth": 0.0}
    (work / "learned.toml").write_text(to_toml(change(load_recipe("tree"), **few)))


def has_ended(work: Path, action: str) -> bool:
    """Tell whether a command that is not to be done twice has been done."""
    if action == "add":
        return (
            '"added"' in (work / "run" / "run.json").read_text()
            and not (work / "run" / "adding.json").exists()
        )
    return action in ONCE and (work / ONCE[action]).exists()


def saying(work: Path, action: str, arm: Callable[[], object] | None = None) -> Callable[[], int]:
    """Return what runs a command in `work` in a child, and what it says into files above it."""

    def run() -> int:
        if has_ended(work, action):
            return 0
        os.chdir(work)
        for number, name in ((1, "out"), (2, "err")):
            handle = os.open(work.parent / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, number)
        sys.argv = ["pictree", *WORDS[action]]
        if arm is not None:
            arm()
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            return int(end.code or 0)
        return 0

    return run
