"""Stage 1: from the source to the inventory and the decoded pixels, shard by shard."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial

import numpy as np
import polars as pl

from pictree.clustering.choose import parse_k
from pictree.engine.base import Engine
from pictree.errors import InputError, SourceError
from pictree.files import csv_bytes, write_bytes
from pictree.images.decode import ImageFormat
from pictree.images.inventory import problems, remember, take_stock
from pictree.images.sources import Source
from pictree.pipeline.pile import Pile
from pictree.pipeline.stock_shards import STAGED, Complete, stock_by
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run

_FEWEST = 3
"""Fewer images have no silhouette, and no clusters worth the name."""


def stock(
    run: Run,
    source: Source,
    *,
    train_items: int,
    known: Sequence[str | None] | None,
    recipe: Recipe,
    progress: Progress,
    engine: Engine | None = None,
    pile: Pile | None = None,
) -> None:
    """Write the inventory, the pixels and problems.csv.

    Parameters
    ----------
    run : Run
        Its run.json holds ``image_format`` and ``shard_rows``.
    source : Source
        The pictures, those of ``--validation`` last.
    train_items : int
        How many of the source's items come before those of ``--validation``.
    known : sequence of str or None, length of the source, optional
        Known labels; kept for scoring.
    recipe : Recipe
        Its ``images.validation`` is the share of used images to hold out.
    progress : Progress
    engine : Engine, optional
        Who does the shards; this process by default.
    pile : Pile, optional
        What `source` was opened from; needed with another engine.

    Raises
    ------
    SourceError
        If fewer than three different files are usable.
    InputError
        If there are fewer of them than clusters.
    """
    complete = partial(_complete, train_items=train_items, known=known)
    progress.start("reading pictures", len(source.paths))
    if engine is None or engine.is_local or pile is None:
        _stock_here(run, source, complete, progress)
    else:
        stock_by(engine, run, pile, source, complete, progress)
    progress.close()
    inventory = run.inventory()
    _refuse_too_few(inventory, source.name, recipe)
    _hold_out(run, inventory, recipe)
    write_bytes(run.path / "problems.csv", csv_bytes(problems(inventory)))


def _stock_here(run: Run, source: Source, complete: Complete, progress: Progress) -> None:
    fmt = image_format(run)
    rows = run.info["shard_rows"]
    seen: dict[bytes, int] = {}
    shutil.rmtree(run.path / STAGED, ignore_errors=True)  # what another engine had begun
    for shard, first in enumerate(range(0, len(source.paths), rows)):
        part = range(first, min(first + rows, len(source.paths)))
        if all(run.shard_file(kind, shard).exists() for kind in ("images", "pixels")):
            remember(run.read_table("images", shard), seen)
            progress.advance(len(part))
            continue
        table, pixels = take_stock(
            source, part, fmt, first_id=first, seen=seen, progress=progress.advance
        )
        run.write_array("pixels", shard, pixels)
        run.write_table("images", shard, complete(table, part))


def image_format(run: Run) -> ImageFormat:
    """Return the size and channels that the run's images are brought to."""
    return ImageFormat(**run.info["image_format"])


def _complete(
    table: pl.DataFrame, part: range, train_items: int, known: Sequence[str | None] | None
) -> pl.DataFrame:
    """Fill in what the source alone can't know: the known label and the split."""
    labels = [None] * len(part) if known is None else [known[i] for i in part]
    splits = ["train" if i < train_items else "validation" for i in part]
    return table.with_columns(
        known_label=pl.Series(labels, dtype=pl.String), split=pl.Series(splits, dtype=pl.String)
    )


def _refuse_too_few(inventory: pl.DataFrame, name: str, recipe: Recipe) -> None:
    """Raise before the training what the clustering would raise after it."""
    used = int((inventory["outcome"] == "used").sum())
    counts = ", ".join(f"{n} {o}" for o, n in inventory["outcome"].value_counts(sort=True).rows())
    if used < _FEWEST:
        raise SourceError(
            f"a run needs at least {_FEWEST} different pictures",
            got=f"{name}: {counts}",
            do="Add pictures, or see the reasons with `pictree scan`",
        )
    k = parse_k(recipe.clustering.k)
    if recipe.clustering.method != "hdbscan" and min(k) > used:
        raise InputError(
            "k must be at most the number of different pictures",
            got=f"k = {min(k)} for {used} pictures",
            do="Pass a smaller --k, or add pictures",
        )


def _hold_out(run: Run, inventory: pl.DataFrame, recipe: Recipe) -> None:
    """Mark the recipe's share of the used images as validation, as scikit-learn splits."""
    share = recipe.images.validation
    used = inventory.filter(pl.col("outcome") == "used")["id"].to_numpy()
    if not share or "validation" in inventory["split"] or len(used) < 2:
        return
    from sklearn.model_selection import train_test_split

    _, held_out = train_test_split(used, test_size=share, random_state=recipe.images.split_seed)
    is_held_out = pl.col("id").is_in(np.sort(held_out).tolist())
    split = pl.when(is_held_out).then(pl.lit("validation")).otherwise(pl.lit("train"))
    for shard in range(run.shard_count("images")):
        table = run.read_table("images", shard)
        run.write_table("images", shard, table.with_columns(split=split))
