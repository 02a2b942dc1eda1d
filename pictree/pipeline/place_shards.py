"""Placing new pictures by an engine: each shard by itself, but for what is twice, in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from pictree.engine.base import Engine
from pictree.files import write_json
from pictree.images.sources import Source
from pictree.images.twins import first_of_twins, with_twins
from pictree.pipeline.codes import codes_of_new
from pictree.pipeline.pile import Pile
from pictree.pipeline.place import PLACES, Placer, files_at_once
from pictree.pipeline.stock_shards import STAGED, settle_shard, stock_shard
from pictree.progress import Progress
from pictree.store import Run


@dataclass(frozen=True)
class Asked:
    """What a worker must know to place new pictures in a run; see `pictree.pipeline.predict`."""

    run: str
    pile: Pile
    k: int | None
    codes: str | None
    features: str | None

    def placer(self) -> Placer:
        """Return the run opened for placing; once in each process."""
        return _placer(self)


@lru_cache(maxsize=1)
def _placer(asked: Asked) -> Placer:
    run = Run.open(asked.run, k=asked.k)
    given = codes_of_new(run, asked.codes, len(asked.pile.open()))
    return Placer(run, given, asked.features)


def place_by(
    engine: Engine, asked: Asked, source: Source, folder: Path, progress: Progress
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield inventory and places of each part of the new pictures, as `Placer.place` has them.

    Parameters
    ----------
    engine : Engine
    asked : Asked
    source : Source
        What its pile names.
    folder : Path
        An empty one that every worker sees; for what they leave for each other.
    progress : Progress
    """
    placer, run, scratch = asked.placer(), Run(asked.run), Run(folder)
    info = {
        "image_format": run.info["image_format"],
        "value_range": source.value_range and list(source.value_range),
        "items": len(source),
        "shard_rows": files_at_once(run),
        "first_id": placer.first_id,
    }
    write_json(folder / "run.json", info)
    shards = range(len(scratch.shards()))
    for receipt in engine.map(partial(stock_shard, folder, asked.pile), shards):
        progress.advance(receipt.images)
    _find_twins(run, scratch, source, placer.first_id)
    for _ in engine.map(partial(place_shard, folder, asked), shards):
        pass
    for shard in shards:
        table = scratch.read_table("images", shard)
        placer.recall(table, scratch.read_table("added", shard))
        yield table, placer.of_files(table)


def _find_twins(run: Run, scratch: Run, source: Source, first_id: int) -> None:
    """Mark what the run or an earlier shard has, and write the inventories again."""
    staged, settled = Run(scratch.path / STAGED), Run(scratch.path / STAGED / "settled")
    known = [run.shard_file("images", shard) for shard in range(len(run.shards()))]
    shards = range(len(scratch.shards()))
    files = [*known, *(staged.shard_file("images", shard) for shard in shards)]
    firsts = first_of_twins(files, first_id + len(source))
    names = [*(f"image {image}" for image in range(first_id)), *source.paths]
    for shard in shards:
        table = with_twins(staged.read_table("images", shard), firsts, names)
        settled.write_table("images", shard, table)


def place_shard(folder: Path, asked: Asked, shard: int) -> int:
    """Place one shard's used pictures; return how many they are."""
    scratch = Run(folder)
    settle_shard(folder, shard)
    used = scratch.read_table("images", shard).filter(pl.col("outcome") == "used")
    places: Any = pl.DataFrame(schema=PLACES)
    if len(used):
        _, places = asked.placer().judge(used, scratch.read_array("pixels", shard))
    scratch.write_table("added", shard, places)
    return len(used)
