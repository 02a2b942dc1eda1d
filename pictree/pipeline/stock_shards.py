"""Stage 1 by an engine: each shard by itself, then the duplicates over all, in order.

A worker finds the duplicates inside its shard. Those of earlier shards are found from the shards'
inventories when all are there. Until then everything lies in ``stocking/``; an inventory under its
final name is final.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import polars as pl

from pictree.engine.base import Engine
from pictree.files import move
from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.sources import Source
from pictree.images.twins import first_of_twins, with_twins
from pictree.pipeline.pile import Pile
from pictree.progress import Progress
from pictree.store import Run

STAGED = "stocking"

Complete = Callable[[pl.DataFrame, range], pl.DataFrame]
"""Fills in what the source alone can't know."""


def stock_by(
    engine: Engine, run: Run, pile: Pile, source: Source, complete: Complete, progress: Progress
) -> None:
    """Write the inventory and the pixels: the same bytes as shard after shard in one process.

    Parameters
    ----------
    engine : Engine
    run : Run
    pile : Pile
        What `source` was opened from.
    source : Source
    complete : callable
    progress : Progress
        Its stage has begun.
    """
    shards = run.shards()
    waiting = [shard for shard in range(len(shards)) if not is_stocked(run, shard)]
    progress.advance(len(source) - sum(len(shards[shard]) for shard in waiting))
    for receipt in engine.map(partial(stock_shard, run.path, pile), waiting):
        progress.advance(receipt.images)
    _settle(engine, run, source, complete)
    shutil.rmtree(run.path / STAGED, ignore_errors=True)


def stock_shard(folder: Path, pile: Pile, shard: int) -> int:
    """Read one shard's pictures as if there were no others; return how many."""
    run, staged = Run(folder, fitted=True), Run(folder / STAGED)
    info, source = run.info, pile.open()
    if info["value_range"] is not None:
        source.value_range = tuple(info["value_range"])
    part = run.shards()[shard]
    fmt = ImageFormat(**info["image_format"])
    first_id = info.get("first_id", 0) + part.start  # new pictures come after those of their run
    table, pixels = take_stock(source, part, fmt, first_id=first_id, seen={})
    staged.write_array("pixels", shard, pixels)
    staged.write_table("images", shard, table)
    return len(part)


def settle_shard(folder: Path, shard: int) -> int:
    """Bring one shard under its final names, without the pixels of its duplicates."""
    run, staged, settled = Run(folder), Run(folder / STAGED), Run(folder / STAGED / "settled")
    if not settled.shard_file("images", shard).exists():
        return 0  # a worker that died had done it
    before, after = staged.read_table("images", shard), settled.read_table("images", shard)
    is_kept = after.filter(before["outcome"] == "used")["outcome"] == "used"
    pixels = staged.shard_file("pixels", shard)
    if not is_kept.all():
        kept = staged.read_array("pixels", shard)[is_kept.to_numpy()]
        run.write_array("pixels", shard, kept)
    elif pixels.exists():
        move(pixels, run.shard_file("pixels", shard))
    # Last: who finds the inventory under its final name looks no further.
    move(settled.shard_file("images", shard), run.shard_file("images", shard))
    return len(after)


def _settle(engine: Engine, run: Run, source: Source, complete: Complete) -> None:
    staged, settled = Run(run.path / STAGED), Run(run.path / STAGED / "settled")
    shards = run.shards()
    waiting = [shard for shard in range(len(shards)) if not _is_final(run, shard)]
    firsts = first_of_twins([_inventory(run, shard) for shard in range(len(shards))], len(source))
    for shard in waiting:
        table = with_twins(staged.read_table("images", shard), firsts, source.paths)
        settled.write_table("images", shard, complete(table, shards[shard]))
    for _ in engine.map(partial(settle_shard, run.path), waiting):
        pass


def _is_final(run: Run, shard: int) -> bool:
    return all(run.shard_file(kind, shard).exists() for kind in ("images", "pixels"))


def is_stocked(run: Run, shard: int) -> bool:
    """Tell whether a shard was read, whatever is left to do."""
    staged = Run(run.path / STAGED)
    has_pixels = any(where.shard_file("pixels", shard).exists() for where in (run, staged))
    return _is_final(run, shard) or (staged.shard_file("images", shard).exists() and has_pixels)


def _inventory(run: Run, shard: int) -> Path:
    return (run if _is_final(run, shard) else Run(run.path / STAGED)).shard_file("images", shard)
