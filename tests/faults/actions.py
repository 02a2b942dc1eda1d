"""What is killed: each command on a small pile; each may be called again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

from pictree.export.export import export
from pictree.files import write_atomic
from pictree.label.session import Session
from pictree.pipeline.add import add
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run

# each takes the folder that it works in


def do_fit(work: Path, maps: Sequence[str] = ()) -> None:
    changes = {"maps.methods": list(maps), "clustering.k": "3"}
    fit(images(), work / "run", recipe=change(load_recipe("quick"), **changes), resume=True)


def do_fit_and_draw(work: Path) -> None:
    """Draw a map and its pictures too: half as long again."""
    do_fit(work, ["pca"])


def do_add(work: Path) -> None:
    info = Run.open(work / "run").info
    if "added" not in info or (work / "run" / "adding.json").exists():
        add(work / "run", pile(work))  # else it had ended, and a second add is another


def do_predict(work: Path) -> None:
    out = work / "said.csv"
    if not out.exists():
        predict(work / "run", pile(work), output=out)


def do_export(work: Path) -> None:
    out = work / "out"
    if not out.exists():
        export(work / "run", "imagefolder", out)


def do_label(work: Path) -> None:
    """Name clusters a hundred times; each acknowledged name is told to the folder above."""
    run, said = Run.open(work / "run"), work.parent / "acknowledged"
    with run.lock():
        session = Session(run)
        kept, told = session.revision - 1, len(said.read_text()) if said.exists() else 0
        if kept not in (told, told + 1):
            raise AssertionError(f"{told} names acknowledged, {kept} kept")
        keys = sorted(session.history.state.groups)
        for number in range(kept, 100):
            body = {"group": keys[number % len(keys)], "name": f"name {number}"}
            session.act("label", body, session.revision)
            with said.open("a") as file:
                file.write("x" * (number + 1 - told))
            told = number + 1
        session.close()


def images() -> np.ndarray:
    return (load_digits().images[:40] * 15).astype(np.uint8)


def pile(work: Path) -> str:
    file = work / "pile.npy"
    if not file.exists():
        digits = (load_digits().images[200:212] * 15).astype(np.uint8)
        write_atomic(file, lambda to: np.save(to, digits))  # a torn pile would be another's fault
    return str(file)


ACTIONS: dict[str, Callable[[Path], None]] = {
    "fit": do_fit,
    "fit and draw": do_fit_and_draw,
    "add": do_add,
    "predict": do_predict,
    "export": do_export,
    "label": do_label,
}
