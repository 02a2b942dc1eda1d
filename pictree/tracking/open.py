"""``--track KIND[=WHERE]``: which trackers a fit feeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

from pictree.errors import InputError, MissingExtraError
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.tracking.base import Tracked, Tracker
from pictree.tracking.mlflow import MLflow, quiet
from pictree.tracking.tensorboard import TensorBoard

KINDS = ("tensorboard", "mlflow")


def trackers_of(specs: Sequence[str]) -> list[Tracker]:
    """Return what ``--track`` asks for; nothing is opened yet.

    Parameters
    ----------
    specs : sequence of str
        ``tensorboard=FOLDER``, ``mlflow`` or ``mlflow=URI``.

    Raises
    ------
    InputError
        If one is none of these.
    MissingExtraError
        If its package is absent.
    """
    found: list[Tracker] = []
    for spec in specs:
        kind, _, where = spec.partition("=")
        if kind not in KINDS or (kind == "tensorboard" and not where):
            raise InputError(
                "--track must be tensorboard=FOLDER, mlflow or mlflow=URI",
                got=repr(spec),
                do="Pass one of these",
            )
        _need(kind)
        found.append(TensorBoard(where) if kind == "tensorboard" else MLflow(where or None))
    return found


@contextmanager
def tracked(
    shown: Progress, specs: Sequence[str], run: str | Path, recipe: Recipe, seed: int
) -> Iterator[Tracked]:
    """Begin trackers, and close them at the end, whatever happens between.

    Parameters
    ----------
    shown : Progress
    specs : sequence of str
        See `trackers_of`.
    run : path-like
        Its name is theirs.
    recipe : Recipe
    seed : int

    Raises
    ------
    InputError
        If one can't begin.
    """
    settings = {**flat(asdict(recipe)), "seed": seed}
    begun = trackers_of(specs)
    for tracker in begun:
        try:
            tracker.begin(Path(run).resolve().name, settings)
        except Exception as error:  # whatever another tool's package may raise
            raise InputError(
                f"--track {tracker.name} must be able to begin",
                got=f"{type(error).__name__}: {error}",
                do="Mend that, or leave --track out",
            ) from error
    progress = Tracked(shown, begun)
    try:
        yield progress
    except BaseException:
        progress.finish(failed=True)
        raise
    progress.finish(failed=False)


def flat(table: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Turn a table of tables into one, with keys such as ``training.epochs``."""
    found: dict[str, Any] = {}
    for key, value in table.items():
        name = f"{above}{key}"
        found |= flat(value, f"{name}.") if isinstance(value, dict) else {name: value}
    return found


def _need(kind: str) -> None:
    quiet()
    try:
        import_module(kind)
    except ImportError as error:
        raise MissingExtraError(
            f"--track {kind} needs the package {kind} in working order",
            got=f"{type(error).__name__}: {error}",
            do=f"Run pip install 'pictree[{kind}]'",
        ) from error
