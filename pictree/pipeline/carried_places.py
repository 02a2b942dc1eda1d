"""New pictures placed by workers that see no disk of ours, in a run at an address.

What they read and leave goes through a folder of its own there, ``placing/NAME``, so that many may
place pictures in one run at a time. Pixels go from the worker that reads a picture to the one that
places it, and to the driver where they are kept. Each worker has a copy of the run, but for what
nobody needs who places.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any

from pictree.engine.base import Engine, Receipt, Work
from pictree.errors import RunError
from pictree.files import move
from pictree.manifest import MANIFEST, read_manifest
from pictree.pipeline.codes import has_autoencoder
from pictree.pipeline.own_folder import own_folder
from pictree.pipeline.place_shards import Asked, place_shard
from pictree.pipeline.publish import fetch
from pictree.pipeline.shelf import Shelf, each
from pictree.pipeline.stock_shards import STAGED
from pictree.store import Run

PLACING = "placing/"
_INFO, _NUMBER = "run.json", "{:05d}"
_TABLES, _ARRAYS = f"{STAGED}/images/{_NUMBER}.parquet", f"{STAGED}/pixels/{_NUMBER}.npy"
_SETTLED = f"{STAGED}/settled/images/{_NUMBER}.parquet"
_NOT_READ = ("pixels/", "errors/", "maps/", "pictures/", "checkpoints/", "report.html")


@contextmanager
def placed_through(engine: Engine, asked: Asked, folder: Path) -> Iterator[Engine]:
    """Give the engine as it places what is asked; `folder` is the driver's, for the traces."""
    if engine.shares_disk or asked.address is None:
        yield engine
        return
    shelf = Shelf(f"{asked.address}/{PLACING}{secrets.token_hex(8)}")
    try:
        yield _CarriedPlaces(engine, shelf, folder, asked)
    finally:
        with suppress(RunError):  # what ended the placing is told, not this
            each(shelf.remove, shelf.names())


class _CarriedPlaces(Engine):
    """Another engine, whose workers place pictures through an address."""

    def __init__(self, engine: Engine, shelf: Shelf, folder: Path, asked: Asked) -> None:
        self._engine, self._shelf, self._folder = engine, shelf, folder
        shelf.put({MANIFEST: Path(asked.run, MANIFEST)})  # all are to see the same run

    def map(self, work: Work, shards: Sequence[int]) -> Iterator[Receipt]:
        """Do each shard, and bring what is read here; see `Engine.map`."""
        is_last = _is_placing(work)
        sent = [_SETTLED.format(shard) for shard in shards] if is_last else [_INFO]
        self._shelf.put({name: self._folder / name for name in sent})
        wanted = _leaves(work) if is_last else [_TABLES]
        away = partial(place_away, self._shelf.address, work)
        for receipt in self._engine.map(away, shards):
            names = [name.format(receipt.shard) for name in wanted]
            with TemporaryDirectory(prefix=".tmp-", dir=self._folder) as beside:
                _get(self._shelf, names, Path(beside))
                for name in names:
                    move(Path(beside, name), self._folder / name)
            if is_last:
                done = [*wanted, _TABLES, _ARRAYS, _SETTLED]
                each(self._shelf.remove, [name.format(receipt.shard) for name in done])
            yield receipt


def place_away(address: str, work: Any, shard: int) -> int:
    """Do a shard of a placing in a folder of its own; the files go through the address."""
    shelf, reads, args = Shelf(address), [_INFO], work.args[1:]
    if _is_placing(work):
        reads += [_TABLES, _ARRAYS, _SETTLED]
        args = [replace(work.args[1], run=str(_copy(address, work.args[1].address)))]
    with TemporaryDirectory(dir=own_folder()) as holder:
        folder = Path(holder)
        _get(shelf, [name.format(shard) for name in reads], folder)
        images = work.func(folder, *args, shard)
        left = [name.format(shard) for name in _leaves(partial(work.func, folder, *args))]
        shelf.put({name: folder / name for name in left})
    return images


@lru_cache(maxsize=1)
def _copy(address: str, run: str) -> Path:
    """Return this process's copy of the run that the driver has."""
    folder = Path(mkdtemp(dir=own_folder()))
    _get(Shelf(address), [MANIFEST], folder)
    files = read_manifest(folder)
    fetch(Shelf(run), folder, files, [name for name in files if not name.startswith(_NOT_READ)])
    return folder


def _is_placing(work: Any) -> bool:
    return work.func is place_shard


def _leaves(work: Any) -> list[str]:
    """Return what is left by the work on a shard, which ``{}`` is, as far as others read it."""
    if not _is_placing(work):
        return [_ARRAYS, _TABLES]
    asked: Asked = work.args[1]
    kinds = ["pixels", "codes"] if asked.is_kept else []
    if asked.is_kept and has_autoencoder(Run(asked.run)):
        kinds.append("errors")
    arrays = [f"{kind}/{_NUMBER}.npy" for kind in kinds]
    return [*arrays, f"images/{_NUMBER}.parquet", f"added/{_NUMBER}.parquet"]


def _get(shelf: Shelf, names: Sequence[str], folder: Path) -> None:
    for name in names:
        if not shelf.get(name, folder / name):
            raise RunError(
                "What one machine leaves must be there until another has it",
                got=f"no {shelf.address}/{name}",
                do=f"Run the command again, and leave alone what is below {PLACING} there",
            )
