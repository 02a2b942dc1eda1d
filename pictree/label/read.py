"""The labels of a run as a table, for export and for everybody else who reads them."""

from __future__ import annotations

from typing import Any

import polars as pl

from pictree.label.history import History
from pictree.label.purity import purity_interval
from pictree.label.state import Group, State
from pictree.label.store import read_rows
from pictree.store import Run

LABELS_SCHEMA: dict[str, Any] = {
    "id": pl.UInt32,
    "label": pl.String,
    "by": pl.String,
    "purity_low": pl.Float64,
    "purity_high": pl.Float64,
}


def labels_of(run: Run) -> pl.DataFrame | None:
    """Return the labels that stand.

    Parameters
    ----------
    run : Run

    Returns
    -------
    polars.DataFrame or None
        A row for every used image and every duplicate, in the order of ids: id; label, null
        where there is none; by, ``person`` or ``spread``, null without a label; purity_low and
        purity_high, the 95 % interval of the spot check of its group, null without one. A
        duplicate has what its original has. None where nobody has labelled this run.

    Raises
    ------
    RunError
        If labels.db is damaged.
    """
    rows = read_rows(run.path)
    if rows is None:
        return None
    table = label_table(History(rows).state)
    kept = run.inventory().filter(pl.col("outcome").is_in(["used", "duplicate"]))
    original = pl.coalesce("duplicate_of", "id").cast(pl.UInt32).alias("original")
    joined = kept.select("id", original).join(
        table.rename({"id": "original"}), on="original", how="left"
    )
    return joined.sort("id").select(*LABELS_SCHEMA)


def label_table(state: State) -> pl.DataFrame:
    """Return a state's labels by `LABELS_SCHEMA`; images that wait, or are junk, have none."""
    marks = pl.DataFrame(
        [{"group": key, **_marks(group)} for key, group in state.groups.items()],
        schema={"group": pl.Int64, **{k: v for k, v in LABELS_SCHEMA.items() if k != "id"}},
    )
    images = pl.DataFrame({"id": state.ids, "group": state.group})
    return images.join(marks, on="group", how="left").select(*LABELS_SCHEMA)


def _marks(group: Group) -> dict[str, Any]:
    if group.label is None:
        return {}
    low, high = (None, None)
    if group.check is not None:
        low, high = purity_interval(group.check.seen, len(group.check.wrong))
    return {"label": group.label, "by": group.by, "purity_low": low, "purity_high": high}
