"""An unfinished `pictree add`: what it has made so far, beside the run until all is there."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from pictree.files import move, write_json
from pictree.images.sources import Source
from pictree.manifest import UNFINISHED_ADD
from pictree.pipeline.codes import GivenCodes, has_autoencoder
from pictree.pipeline.renew import renew
from pictree.reading import read_json
from pictree.shards import shard_ranges
from pictree.store import Run

_KINDS = ("images", "pixels", "codes", "errors", "added")
_PILE = ("sources", "known_labels", "items", "paths", "codes")
"""What tells one pile from another, when an interrupted add is asked for again."""


class Staging:
    """The shards of an add, in ``adding/`` until `publish` makes them part of the run.

    adding.json is written first and removed last: while it is there, the same add goes on where
    it stopped. The moment at which the pictures belong to the run is the one at which run.json
    lists them; before, nothing that reads the run sees any of them.

    Parameters
    ----------
    run : Run
        Locked by this process.
    plan : dict
        See `begin`.

    Attributes
    ----------
    folder : Run
        ``adding/``, whose shards have the names and numbers that they will have in the run.
    parts : dict of int to range
        The source's items that each shard holds.
    work : Path
        What the workers of an engine leave for each other.
    """

    def __init__(self, run: Run, plan: dict[str, Any]) -> None:
        self.run, self.plan, self.folder = run, plan, Run(run.path / "adding")
        self.work = self.folder.path / "work"
        before = [ids for ids in run.shards() if ids.stop <= plan["first_id"]]
        parts = shard_ranges({"items": plan["items"], "shard_rows": plan["shard_rows"]})
        self.parts = {len(before) + number: part for number, part in enumerate(parts)}

    @property
    def is_published(self) -> bool:
        """Whether the run has the pictures, and only what is made from them may be missing."""
        return self.plan["first_id"] < self.run.shards()[-1].stop

    def has(self, shard: int) -> bool:
        """Tell whether a shard is made."""
        return all(self._file(kind, shard).exists() for kind in self._kinds())

    def table(self, kind: str, shard: int) -> pl.DataFrame:
        """Return a shard's table, wherever it is by now."""
        here = self.folder if self.folder.shard_file(kind, shard).exists() else self.run
        return here.read_table(kind, shard)

    def _kinds(self) -> list[str]:
        kinds = [*_KINDS, *(f"clusters/{n}/assignments" for n in self.run.clusterings())]
        if not has_autoencoder(self.run):  # nothing has an error on these
            kinds.remove("errors")
        return kinds

    def _file(self, kind: str, shard: int) -> Path:
        staged = self.folder.shard_file(kind, shard)
        return staged if staged.exists() else self.run.shard_file(kind, shard)

    def publish(self, counts: dict[str, Any]) -> None:
        """Move the shards into the run, then list them in run.json with these counts."""
        added = self.run.info.get("added", [])
        (self.run.path / "manifest.json").unlink(missing_ok=True)
        # With a list, shards that it does not account for are overlooked by whoever reads.
        self.run.update(added=added)
        for file in sorted(file for file in self.folder.path.rglob("*") if file.is_file()):
            if not file.name.startswith(".tmp-"):
                move(file, self.run.path / file.relative_to(self.folder.path))
        kept = ("sources", "known_labels", "items", "shard_rows", "time", "command", "codes")
        entry = {key: self.plan[key] for key in kept if key in self.plan}
        self.run.update(added=[*added, {**entry, **counts}])

    def finish(self) -> None:
        """Remove what only an unfinished add needs."""
        shutil.rmtree(self.folder.path, ignore_errors=True)
        (self.run.path / UNFINISHED_ADD).unlink(missing_ok=True)

    def drop(self) -> None:
        """Remove all traces of an add that was not published."""
        listed = len(self.run.shards())
        for kind in [] if self.is_published else self._kinds():
            files = (self.run.path / kind).glob("[0-9]*")
            for file in [file for file in files if int(file.stem) >= listed]:
                file.unlink()
        self.finish()


def begin(
    run: Run,
    source: Source,
    known_labels: Any,
    given: GivenCodes | None,
    shard_rows: int,
    command: Sequence[str],
) -> tuple[Staging, str | None]:
    """Begin an add, or go on with the same one that was interrupted.

    Returns
    -------
    staging : Staging
    dropped : str or None
        Where the pictures of another unfinished add came from, which is given up.
    """
    parts = getattr(source, "parts", [source])
    pile = {
        "sources": [part.describe() for part in parts],
        "known_labels": known_labels,
        "items": len(source),
        "paths": hashlib.sha256("\n".join(source.paths).encode()).hexdigest(),
    }
    if given is not None:
        pile["codes"] = given.describe()
    asked = json.loads(json.dumps(pile))  # as it is read again
    file, dropped = run.path / UNFINISHED_ADD, None
    if file.exists():
        unfinished = Staging(run, read_json(file))
        if all(unfinished.plan.get(key) == asked.get(key) for key in _PILE):
            return unfinished, None
        if unfinished.is_published:
            renew(run)
        else:
            dropped = source_names(unfinished.plan)
        unfinished.drop()
    plan = {
        **asked,
        "first_id": run.shards()[-1].stop,
        "shard_rows": shard_rows,
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": list(command),
    }
    staging = Staging(run, plan)
    staging.drop()  # what an add without its plan may have left
    write_json(file, plan)
    return staging, dropped


def source_names(pile: dict[str, Any]) -> str:
    """Return where a pile of added pictures came from, for people."""
    return ", ".join(part["name"] for part in pile["sources"])
