"""Placing new pictures by an engine: each shard by itself, but for what is twice, in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import polars as pl

from pictree.engine.base import Engine
from pictree.errors import InputError
from pictree.files import write_json
from pictree.images.sources import Source
from pictree.images.twins import first_of_twins, with_twins
from pictree.pipeline.codes import codes_of_new
from pictree.pipeline.pile import Pile
from pictree.pipeline.place import Placer, files_at_once
from pictree.pipeline.stock_shards import STAGED, is_stocked, settle_shard, stock_shard
from pictree.progress import Progress
from pictree.store import Run


@dataclass(frozen=True)
class Asked:
    """What a worker must know to place new pictures in a run; see `pictree.pipeline.predict`.

    Attributes
    ----------
    run : str
        Absolute path.
    pile : Pile
        The new pictures.
    k : int or None
    codes : str or None
        Absolute path.
    features : str or None
    is_kept : bool
        Whether pixels, codes and errors are wanted too.
    address : str or None
        Where the run is, if `run` is a copy that this machine alone sees.
    """

    run: str
    pile: Pile
    k: int | None = None
    codes: str | None = None
    features: str | None = None
    is_kept: bool = False
    address: str | None = None

    @classmethod
    def of(cls, engine: str, run: Run, pictures: Any, codes: Any, **options: Any) -> Asked:
        """Return what other processes can open.

        Raises
        ------
        InputError
            If something of it is in this process's memory alone.
        """
        pile = Pile.of(engine, pictures)
        return cls(str(run.path.absolute()), pile, codes=_named(engine, codes), **options)


def _named(engine: str, codes: Any) -> str | None:
    if codes is None:
        return None
    if isinstance(codes, (str, os.PathLike)):
        return os.path.abspath(os.fspath(codes))  # noqa: PTH100 - keeps symlinks
    raise InputError(
        f"the codes must be a file, which other processes can open, with --engine {engine}",
        got=f"{type(codes).__name__} in memory",
        do="Save them with numpy.save, or leave the engine out",
    )


@lru_cache(maxsize=1)
def _placer(asked: Asked) -> Placer:
    """Return the run opened for placing, once in each worker; nothing is placed in it."""
    run = Run.open(asked.run, k=asked.k)
    given = codes_of_new(run, asked.codes, len(asked.pile.open()))
    return Placer(run, given, asked.features)


def place_by(
    engine: Engine, asked: Asked, placer: Placer, source: Source, folder: Path, progress: Progress
) -> Iterator[tuple[pl.DataFrame, pl.DataFrame]]:
    """Yield inventory and places of each part of the new pictures, as `Placer.place` has them.

    Parameters
    ----------
    engine : Engine
    asked : Asked
    placer : Placer
        This process's, in which nothing of the source was placed.
    source : Source
        What `asked` names.
    folder : Path
        One that every worker sees; for what they leave for each other, each part's shard. What an
        interrupted call left there is used.
    progress : Progress
    """
    run, scratch = Run(asked.run), Run(folder)
    info = {
        "image_format": run.info["image_format"],
        "value_range": source.value_range and list(source.value_range),
        "items": len(source),
        "shard_rows": files_at_once(run),
        "first_id": placer.first_id,
    }
    write_json(folder / "run.json", info)
    parts = scratch.shards()
    waiting = [shard for shard in range(len(parts)) if not is_stocked(scratch, shard)]
    progress.advance(len(source) - sum(len(parts[shard]) for shard in waiting))
    for receipt in engine.map(partial(stock_shard, folder, asked.pile), waiting):
        progress.advance(receipt.images)
    _find_twins(run, scratch, source, placer.first_id)
    waiting = [s for s in range(len(parts)) if not scratch.shard_file("added", s).exists()]
    for _ in engine.map(partial(place_shard, folder, asked), waiting):
        pass
    for shard in range(len(parts)):
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
    scratch, placer = Run(folder), _placer(asked)
    settle_shard(folder, shard)
    used = scratch.read_table("images", shard).filter(pl.col("outcome") == "used")
    pixels = scratch.read_array("pixels", shard)
    codes, places = placer.nothing()
    if len(used):
        codes, places = placer.judge(used, pixels)
    if asked.is_kept:
        errors = placer.errors(pixels)
        for kind, array in (("codes", codes), ("errors", errors)):
            if array is not None:
                scratch.write_array(kind, shard, array)
    scratch.write_table("added", shard, places)  # last: it tells that the shard is done
    return len(used)
