"""Duplicates over the shards of an inventory that were taken stock of apart from each other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pictree.reading import for_polars

ROWS_AT_ONCE = 20_000_000
"""Digests that are held in memory together; more are gone through in several passes."""
_DIGITS = "0123456789abcdef"


def first_of_twins(files: Sequence[Path], rows: int) -> pl.DataFrame:
    """Find the content that more than one shard has.

    Parameters
    ----------
    files : sequence of Path
        The shards' inventories (Parquet), in which equal content of *one* shard was found already.
    rows : int
        How many they have together, about.

    Returns
    -------
    polars.DataFrame
        sha256; first, the id of the first used image that has it.
    """
    found = [_shared(files, prefix) for prefix in _prefixes(rows)]
    return pl.concat(found)


def _prefixes(rows: int) -> list[str]:
    """Return beginnings of digests, so few of each that they fit in memory."""
    prefixes = [""]
    while rows > ROWS_AT_ONCE * len(prefixes):
        prefixes = [prefix + digit for prefix in prefixes for digit in _DIGITS]
    return prefixes


def _shared(files: Sequence[Path], prefix: str) -> pl.DataFrame:
    is_asked = (pl.col("outcome") == "used") & pl.col("sha256").str.starts_with(prefix)
    tables = [
        pl.read_parquet(for_polars(file), columns=["id", "sha256", "outcome"]).filter(is_asked)
        for file in files
    ]
    return (
        pl.concat(tables)
        .group_by("sha256")
        .agg(pl.col("id").min().alias("first"), pl.len().alias("times"))
        .filter(pl.col("times") > 1)
        .select("sha256", "first")
        .sort("first")
    )


def with_twins(table: pl.DataFrame, firsts: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return a shard's inventory with its duplicates of earlier shards.

    Parameters
    ----------
    table : polars.DataFrame
        By `pictree.images.inventory.INVENTORY_SCHEMA`.
    firsts : polars.DataFrame
        What `first_of_twins` found.
    names : sequence of str
        The path of each id.
    """
    joined = table.join(firsts, on="sha256", how="left", maintain_order="left")
    is_twin = pl.col("first").is_not_null() & (pl.col("first") < pl.col("id"))
    marked = joined.with_columns(pl.when(is_twin).then("first").alias("first"))
    reasons = pl.Series(
        [None if i is None else f"same content as {names[i]}" for i in marked["first"]],
        dtype=pl.String,
    )
    return marked.with_columns(
        outcome=pl.when(is_twin).then(pl.lit("duplicate")).otherwise("outcome"),
        reason=pl.coalesce(reasons, "reason"),
        duplicate_of=pl.coalesce("first", "duplicate_of"),
    ).drop("first")
