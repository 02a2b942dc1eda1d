"""Images of one known split that are there again, or nearly, in another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pictree.evaluation.leaks import leak_table
from pictree.images.splits import counted, splits_of
from pictree.report.gather import Findings
from pictree.report.live.near import NearDuplicates
from pictree.report.odd import MOST_ODD, Pair
from pictree.report.sheets import tile
from pictree.report.words import counted as of
from pictree.report.words import figure, shown


@dataclass(frozen=True)
class Leak(Pair):
    """Two images in two splits."""

    splits: tuple[str, str]


def leak_view(found: Findings, near: NearDuplicates) -> dict[str, Any] | None:
    """Return what the page shows of leaks; None where fewer than two splits are known.

    Returns
    -------
    dict
        splits (how many files each has, in words), count, pairs (at most 24).
    """
    splits = splits_of(found.inventory)
    files = counted(splits)
    if len(files) < 2:
        return None
    table = leaks_of(found, near)
    said = [of(count, f"{name} file") for name, count in files.items()]
    return {
        "splits": f"{', '.join(said[:-1])} and {said[-1]}",
        "count": table.height,
        "pairs": [_leak(found, row) for row in table.head(MOST_ODD).iter_rows(named=True)],
    }


def leaks_of(found: Findings, near: NearDuplicates) -> pl.DataFrame:
    """Return all pairs; see `pictree.evaluation.leaks.leak_table`."""
    splits = splits_of(found.inventory)
    measures = {"difference": near.differences.astype(np.float32)}
    return leak_table(found.inventory, splits, found.ids[near.pairs], measures)


def _leak(found: Findings, row: dict[str, Any]) -> Leak:
    one, other = shown(row["path"]), shown(row["other_path"])
    tiles = _tile(found, row["id"], one), _tile(found, row["other"], other)
    is_copy = row["kind"] == "exact"
    says = "same content" if is_copy else f"difference {figure(row['difference'], 4)}"
    return Leak(tiles, (one, other), says, (row["split"], row["other_split"]))


def _tile(found: Findings, image: int, path: str) -> Any:
    """Return an image's picture, or that of the one whose copy it is."""
    of_copy = found.inventory["duplicate_of"][image]
    row = int(np.searchsorted(found.ids, image if of_copy is None else of_copy))
    return tile(found.pixels[row], path)
