"""Loose files to shards: a folder of some tar files in place of one of millions."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pictree.engine.base import Engine
from pictree.engine.choose import open_engine
from pictree.errors import InputError
from pictree.files import remove_leftovers, write_atomic, write_json
from pictree.images.base import Source, printable
from pictree.images.packed import FORMAT, PLAN, index_of, read_plan, tar_of, write_tar
from pictree.images.sources import open_source
from pictree.pipeline.pile import Pile
from pictree.progress import Progress
from pictree.reading import for_polars

_SHARD_BYTES = 1 << 28
_MOST_FILES = 65_536
_LOOKED_AT = 64
"""Files whose sizes tell how many go into a shard."""


def pack(
    pictures: Any,
    folder: str | Path,
    *,
    engine: str = "local",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Copy picture files into tar files of some 256 MiB, and write an index beside them.

    The folder is then opened as the pictures were: with the same ids, names and bytes. The tar
    files alone are WebDataset's. Interrupted, the same call goes on.

    Parameters
    ----------
    pictures : str, path or list of these
        Files, or what holds files: folders, zips, tars, Parquet. Not arrays.
    folder : path-like
        New or empty, or of the same call before.
    engine : {"local", "processes", "ray"}
        Who copies, shard by shard; the bytes are the same.
    progress : Progress, optional

    Returns
    -------
    dict
        What ``pictree pack --json`` prints: output, files, shards, bytes (of the tar files),
        problems (outcome to count, of files that could not be read), seconds.

    Raises
    ------
    InputError
        If there is something else in the folder, or it lies in the folder of the pictures.
    SourceError
        If the pictures can't be read, or are arrays.
    """
    progress, began, out = progress or Progress(), time.perf_counter(), Path(folder).absolute()
    pile = None if engine == "local" else Pile.of(engine, pictures)
    source = open_source(pictures)
    _refuse_inside(out, source)
    asked = _asked(source)
    plan = _begun(out, asked) or asked | {"shard_files": _files_in_a_shard(source), "done": False}
    write_json(out / PLAN, plan)
    remove_leftovers(out)
    with open_engine(engine, progress) as workers, progress:
        progress.start("packing", len(source))
        _pack_all(workers, out, pile or source, plan, progress)
    write_json(out / PLAN, plan | {"done": True})
    return _summary(out, plan) | {"seconds": round(time.perf_counter() - began, 2)}


def _asked(source: Source) -> dict[str, Any]:
    """Return what tells one pile from another."""
    return {
        "pictree pack": FORMAT,
        "sources": [part.describe() for part in getattr(source, "parts", [source])],
        "items": len(source),
        "paths": _digest(source.paths),
    }


def _digest(paths: Sequence[str]) -> str:
    found = hashlib.sha256()
    for path in paths:  # one after another: joined, millions would be held twice
        found.update(path.encode() + b"\0")
    return found.hexdigest()


def _begun(out: Path, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Return the plan that the same call left; None for a new or empty folder."""
    plan = read_plan(out) if out.is_dir() else None
    if plan is not None and all(plan.get(key) == value for key, value in asked.items()):
        return plan
    if plan is not None or (out.exists() and (not out.is_dir() or any(out.iterdir()))):
        raise InputError(
            "the output must be a new folder, or one that the same command has begun",
            got=f"{printable(str(out))}, which holds other things",
            do="Choose another name",
        )
    return None


def _refuse_inside(out: Path, source: Source) -> None:
    parts: Sequence[Source] = getattr(source, "parts", [source])
    around = [Path(part.folder) for part in parts if part.kind == "folder"]
    if any(folder.resolve() in (out.resolve(), *out.resolve().parents) for folder in around):
        raise InputError(
            "the output must not be in the folder of the pictures",
            got=printable(str(out)),
            do="Choose another folder",
        )


def _files_in_a_shard(source: Source) -> int:
    """Return how many files are in a shard: 256 MiB of them, as far as a look at some tells."""
    step = max(1, len(source) // _LOOKED_AT)
    raws = list(source.read_each(range(0, len(source), step)))
    sizes = [len(raw) for raw in raws if isinstance(raw, bytes)]
    mean = sum(sizes) / len(sizes) if sizes else 1.0
    return max(1, min(_MOST_FILES, int(_SHARD_BYTES // max(1.0, mean))))


def _pack_all(
    engine: Engine, out: Path, pile: Pile | Source, plan: dict[str, Any], progress: Progress
) -> None:
    shards = range(-(-plan["items"] // plan["shard_files"]))
    files = {shard: len(_part(plan, shard)) for shard in shards}
    files_of = (tar_of, index_of)
    waiting = [shard for shard in shards if not all(of(out, shard).exists() for of in files_of)]
    progress.advance(sum(files[shard] for shard in shards if shard not in set(waiting)))
    for receipt in engine.map(partial(pack_shard, out, pile, plan), waiting):
        progress.advance(receipt.images)


def pack_shard(out: Path, pile: Pile | Source, plan: dict[str, Any], shard: int) -> int:
    """Write a shard's tar file and then its index; return how many files it has."""
    source = pile if isinstance(pile, Source) else pile.open()
    part = _part(plan, shard)
    index = pl.DataFrame()

    def write(stream: Any) -> None:
        nonlocal index
        index = write_tar(
            stream, part.start, [source.paths[i] for i in part], source.read_each(part)
        )

    write_atomic(tar_of(out, shard), write)
    write_atomic(index_of(out, shard), index.write_parquet)
    return len(part)


def _part(plan: dict[str, Any], shard: int) -> range:
    first = shard * plan["shard_files"]
    return range(first, min(first + plan["shard_files"], plan["items"]))


def _summary(out: Path, plan: dict[str, Any]) -> dict[str, Any]:
    shards = range(-(-plan["items"] // plan["shard_files"]))
    indexes = [
        pl.read_parquet(for_polars(index_of(out, shard)), columns=["outcome"]) for shard in shards
    ]
    problems = pl.concat(indexes).filter(pl.col("outcome") != "")["outcome"]
    return {
        "output": str(out),
        "files": plan["items"],
        "shards": len(shards),
        "bytes": sum(tar_of(out, shard).stat().st_size for shard in shards),
        "problems": dict(problems.value_counts(sort=True).iter_rows()),
    }


def pack_text(found: dict[str, Any]) -> str:
    """Say what was packed."""
    problems = ", ".join(f"{count:,} {outcome}" for outcome, count in found["problems"].items())
    left_out = f" ({problems}: kept in the index, with the reason)" if problems else ""
    return (
        f"{found['files']:,} files{left_out} in {found['shards']:,} tar files, "
        f"{found['bytes'] / 1e6:,.1f} MB, {found['seconds']:.1f} s\n"
        f"use it in place of the pictures: pictree fit {found['output']}"
    )
