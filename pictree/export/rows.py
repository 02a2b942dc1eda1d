"""What an export says of each file: one table, whatever the format."""

from __future__ import annotations

import numpy as np
import polars as pl

from pictree.errors import InputError
from pictree.label.read import labels_of
from pictree.store import Run

ONLY = ("all", "labelled")

ROWS: dict[str, pl.DataType | type[pl.DataType]] = {
    "id": pl.UInt32,
    "path": pl.String,
    "cluster": pl.Int32,
    "label": pl.String,
    "labelled_by": pl.String,
    "purity_low": pl.Float64,
    "purity_high": pl.Float64,
    "confidence": pl.Float32,
    "outcome": pl.String,
    "duplicate_of": pl.UInt32,
}
"""One row for each file of a run, in the order of ids. `label` is a person's; `labelled_by` is
"person" or "spread"; `purity_low` and `purity_high` are the spot check's interval, where there
was one. `confidence` is the share of the votes that the image's cluster got; of an image added
later, the share of its nearest images that are in its cluster; null where a run has neither. A
duplicate has what its original has; a file that was not used has neither cluster nor label."""


def export_rows(run: Run, only: str = "all") -> pl.DataFrame:
    """Return what is exported of a run.

    Parameters
    ----------
    run : Run
        Finished.
    only : "all" or "labelled"
        Every file, or those with a label.

    Returns
    -------
    polars.DataFrame
        By `ROWS`.

    Raises
    ------
    InputError
        If only labelled ones are asked for and there is none.
    """
    original = pl.coalesce("duplicate_of", "id").alias("original")
    table = (
        run.inventory()
        .with_columns(original)
        .join(run.assignments().select("id", "cluster"), on="id", how="left")
        .join(_labels(run), on="original", how="left")
        .join(_confidence(run), on="original", how="left")
        .select(*ROWS)
        .cast(pl.Schema(ROWS))
        .sort("id")
    )
    if only == "labelled":
        table = table.filter(pl.col("label").is_not_null())
        if not len(table):
            raise InputError(
                "--only labelled needs a label",
                got=f"none in {run.path}",
                do=f"Give labels with `pictree label {run.path}`, or leave --only out",
            )
    return table


def _labels(run: Run) -> pl.DataFrame:
    """Label of each image by its id (``original``), without duplicates."""
    columns = ("label", "labelled_by", "purity_low", "purity_high")
    found = labels_of(run)
    if found is None:
        schema = {"original": pl.UInt32} | {name: ROWS[name] for name in columns}
        return pl.DataFrame(schema=schema)
    named = found.rename({"id": "original", "by": "labelled_by"})
    return named.select("original", *columns).filter(pl.col("label").is_not_null())


def _confidence(run: Run) -> pl.DataFrame:
    """How sure each image's place is, by its id (``original``)."""
    tables = [_table(np.zeros(0, np.uint32), np.zeros(0, np.float32))]
    if run.has_tree:
        arrays = run.arrays("tree.npz")
        if "confidence" in arrays:
            ids = run.fitted().used()["id"].to_numpy()[arrays["rows"]]
            tables.append(_table(ids, arrays["confidence"]))
    if run.info.get("added"):
        added = run.table("added")
        tables.append(_table(added["id"].to_numpy(), added["confidence"].to_numpy()))
    return pl.concat(tables).unique("original", keep="first")


def _table(ids: np.ndarray, confidence: np.ndarray) -> pl.DataFrame:
    columns = {"original": ids.astype(np.uint32), "confidence": confidence.astype(np.float32)}
    return pl.DataFrame(columns)
