"""An engine whose workers see no disk of ours: files of shards go through the run's address."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pictree.engine.base import Engine, Local, Receipt, Work
from pictree.errors import RunError
from pictree.files import move
from pictree.pipeline.learn import encode_shard
from pictree.pipeline.own_folder import own_folder
from pictree.pipeline.publish import fetch, listed
from pictree.pipeline.shelf import Shelf, each
from pictree.pipeline.stock_shards import STAGED, stock_shard

CARRIED = "carrying/"


@dataclass(frozen=True)
class _Load:
    """What the work on a shard reads of the run, and what it leaves; ``{}`` is the shard."""

    reads: tuple[str, ...]
    leaves: tuple[str, ...]


_NUMBER = "{:05d}"
_LOADS: dict[Callable[..., int], _Load] = {
    stock_shard: _Load(
        ("run.json",),
        (f"{STAGED}/pixels/{_NUMBER}.npy", f"{STAGED}/images/{_NUMBER}.parquet"),
    ),
    encode_shard: _Load(
        ("run.json", "model/", f"pixels/{_NUMBER}.npy"),
        (f"codes/{_NUMBER}.npy", f"errors/{_NUMBER}.npy"),
    ),
}
"""Of the work that machines share; the driver does the rest. A name that ends with a slash is all
that is below it."""


class Carried(Engine):
    """Another engine, with files that go through an address.

    Parameters
    ----------
    engine : Engine
    shelf : Shelf
        Where the run is published after each stage.
    folder : Path
        The driver's working folder.
    """

    def __init__(self, engine: Engine, shelf: Shelf, folder: Path) -> None:
        self._engine, self._shelf, self._folder = engine, shelf, folder

    def map(self, work: Work, shards: Sequence[int]) -> Iterator[Receipt]:
        """Do each shard, and bring its files here; see `Engine.map`."""
        load = _LOADS.get(getattr(work, "func", work))
        if load is None:
            yield from Local().map(work, shards)
            return
        sent = partial(carry, self._shelf.address, work)
        waiting = [shard for shard in shards if not self._has(load, shard)]
        for receipt in self._engine.map(sent, waiting):
            self._take([name.format(receipt.shard) for name in load.leaves])
            yield receipt

    def _has(self, load: _Load, shard: int) -> bool:
        return all((self._folder / name.format(shard)).exists() for name in load.leaves)

    def _take(self, names: list[str]) -> None:
        """Bring files here: whole under their names, or not at all."""
        with TemporaryDirectory(prefix=".tmp-", dir=self._folder) as beside:
            for number, name in enumerate(names):
                copy = Path(beside, str(number))
                if not self._shelf.get(CARRIED + name, copy):
                    raise RunError(
                        "What a worker leaves must be there until the driver has it",
                        got=f"no {self._shelf.address}/{CARRIED}{name}",
                        do="Let one fit at a time write there, then go on with --resume",
                    )
                move(copy, self._folder / name)
        each(self._shelf.remove, [CARRIED + name for name in names])


def carry(address: str, work: Any, shard: int) -> int:
    """Do a shard in a folder of its own: fetch what it reads, and put what it leaves."""
    shelf, load = Shelf(address), _LOADS[work.func]
    _, files = listed(shelf)
    wanted = tuple(name.format(shard) for name in load.reads)
    with TemporaryDirectory(dir=own_folder()) as holder:
        folder = Path(holder)
        fetch(shelf, folder, files, [name for name in files if name.startswith(wanted)])
        images = work.func(folder, *work.args[1:], shard)
        left = [name.format(shard) for name in load.leaves]
        shelf.put({CARRIED + name: folder / name for name in left})
    return images
