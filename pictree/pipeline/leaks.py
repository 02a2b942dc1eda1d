"""Leaks: pictures of one known split that are there again, or nearly, in another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pictree.errors import InputError, SourceError
from pictree.evaluation.leaks import leak_table
from pictree.evaluation.near_duplicates import near_duplicates
from pictree.images.known_labels import csv_rows
from pictree.images.reopen import Originals
from pictree.images.splits import Splits, counted, splits_of
from pictree.store import Run


def leaks(run: Run, splits: str | None = None) -> tuple[pl.DataFrame, dict[str, Any]]:
    """Find the pictures of a run that are (nearly) the same in two known splits.

    Parameters
    ----------
    run : Run
        Finished.
    splits : str, optional
        What tells them: a CSV with path and split, or a key or column of the files that the
        pictures came from. By default the paths do (`pictree.images.splits.split_of`), or
        what was held out of the training.

    Returns
    -------
    rows : polars.DataFrame
        See `pictree.evaluation.leaks.leak_table`; difference and ratio as for duplicates.
    about : dict
        exact, near (counts), and the number of files in each split.

    Raises
    ------
    InputError
        If fewer than two splits are known.
    SourceError
        If `splits` can't be read, or does not fit the run.
    """
    inventory = run.inventory()
    known = splits_of(inventory) if splits is None else _told(run, inventory, splits)
    files = counted(known)
    if len(files) < 2:
        raise InputError(
            "leaks needs pictures of two known splits",
            got=f"{_listed(files)} in {run.path}",
            do="Fit folders named train and test, or with --validation, or name a column or CSV "
            "of splits with --splits",
        )
    found = near_duplicates(run.array("codes")[:], run.array("pixels"))
    near = run.used()["id"].to_numpy()[found.pairs]
    measures = {"difference": found.differences, "ratio": found.ratios}
    table = leak_table(inventory, known, near, measures)
    kinds = [(table["kind"] == kind).sum() for kind in ("exact", "near")]
    return table, {"exact": kinds[0], "near": kinds[1], **files}


def _listed(files: dict[str, int]) -> str:
    return " and ".join(f"{count:,} of {name}" for name, count in files.items()) or "none"


def _told(run: Run, inventory: pl.DataFrame, spec: str) -> Splits:
    if not Path(spec).is_file():
        piles = [run.info, *run.info.get("added", [])]
        return [name for pile in piles for name in Originals(pile["sources"]).labels(spec)]
    by_path = csv_rows(spec, "split")
    known = [by_path.get(path) for path in inventory["path"]]
    if not any(known):
        raise SourceError(
            "the paths in a CSV of splits must be those of the run",
            got=f"{next(iter(by_path), '')!r} in the CSV, {inventory['path'][0]!r} in the run",
            do="Write the paths as `pictree find` prints them",
        )
    return known
