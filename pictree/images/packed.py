"""Picture files packed into shards by `pictree pack`: tar files, and an index of what lies where.

``pack-00000.tar`` holds the bytes of some files, each named by its number (WebDataset's way: the
name up to the dot is the sample's key). ``index-00000.parquet`` has a row for each: its path as it
was, where its bytes begin and how many they are, and for a file that could not be read, why.
``pack.json`` is written first and says how many files there are, and of what; ``done`` is true at
the end.
"""

from __future__ import annotations

import io
import json
import stat
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import polars as pl

from pictree.errors import SourceError
from pictree.images.base import PICTURE_SUFFIXES, Raw, Source, printable
from pictree.images.outcome import MAX_FILE_BYTES, OUTCOMES, Unusable
from pictree.reading import TABLE_FAULTS, for_polars

PLAN = "pack.json"
FORMAT = 1
_LONGEST_PLAN = 2**26
SCHEMA: dict[str, Any] = {
    "path": pl.String,
    "offset": pl.Int64,
    "bytes": pl.Int64,
    "outcome": pl.String,
    "reason": pl.String,
}
"""`outcome` and `reason` say why a file could not be read, else ""."""


class PackedSource(Source):
    """The files of a pack, under the names and in the order that they had."""

    kind = "packed"

    def __init__(self, root: str, shard_files: int, index: pl.DataFrame) -> None:
        self._shard_files = shard_files
        self._offsets, self._sizes = (index[name].to_numpy() for name in ("offset", "bytes"))
        faults = index.with_row_index("row").filter(pl.col("outcome") != "")
        said = faults.select("row", "outcome", "reason").iter_rows()
        self._faults = {row: (outcome, reason) for row, outcome, reason in said}
        shown = printable(root)
        super().__init__(printable(Path(root).name), shown, root, index["path"].to_list())

    def read(self, i: int) -> bytes:
        """Return the bytes of file `i`; see `Source.read`."""
        if i in self._faults:
            raise Unusable(*self._faults[i])
        offset, size = int(self._offsets[i]), int(self._sizes[i])
        if size > MAX_FILE_BYTES:
            raise Unusable("too large", f"file above {MAX_FILE_BYTES // 2**20} MiB")
        tar = tar_of(Path(self.folder), i // self._shard_files)
        try:
            if not stat.S_ISREG(tar.stat().st_mode):
                raise Unusable("not an image", "a pipe, socket or device, not a file")
            with tar.open("rb") as file:
                file.seek(offset)
                raw = file.read(size)
        except OSError as error:
            raise Unusable("unreadable", error.strerror or str(error)) from error
        if len(raw) < size:
            raise Unusable("unreadable", "the archive is cut short")
        return raw


def tar_of(folder: Path, shard: int) -> Path:
    """Return the tar file of a shard."""
    return folder / f"pack-{shard:05d}.tar"


def index_of(folder: Path, shard: int) -> Path:
    """Return the index of a shard; written after its tar file."""
    return folder / f"index-{shard:05d}.parquet"


def is_pack(folder: str) -> bool:
    """Tell whether a folder is what `pictree pack` wrote, or began."""
    return read_plan(Path(folder)) is not None


def read_plan(folder: Path) -> dict[str, Any] | None:
    """Return what pack.json says; None where there is none of ours."""
    file = folder / PLAN
    try:
        if not file.is_file() or file.stat().st_size > _LONGEST_PLAN:
            return None
        plan = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return plan if isinstance(plan, dict) and plan.get("pictree pack") == FORMAT else None


def open_pack(root: str) -> PackedSource:
    """Open what `pictree pack` wrote.

    Raises
    ------
    SourceError
        If it is not whole.
    """
    folder = Path(root).absolute()
    plan = read_plan(folder)
    if plan is None or not plan.get("done"):
        raise SourceError(
            "a pack must be finished",
            got=f"{printable(root)!r}, which `pictree pack` has begun",
            do="Run the same `pictree pack` command again",
        )
    items, rows = (_count(plan.get(key)) for key in ("items", "shard_files"))
    if not items or not rows:
        raise _not_whole(root)
    try:
        indexes = [_read_index(folder, shard) for shard in range(-(-items // rows))]
        index = pl.concat(indexes)
    except TABLE_FAULTS as error:
        raise _not_whole(root) from error
    if not _is_index(index, items):
        raise _not_whole(root)
    return PackedSource(str(folder), rows, index)


def _count(value: Any) -> int:
    return value if type(value) is int and value > 0 else 0


def _read_index(folder: Path, shard: int) -> pl.DataFrame:
    file = index_of(folder, shard)
    if not file.is_file():  # a pipe would be waited for
        raise FileNotFoundError(file)
    return pl.read_parquet(for_polars(file))


def _is_index(index: pl.DataFrame, items: int) -> bool:
    return (
        dict(index.schema) == SCHEMA
        and len(index) == items
        and not sum(index.null_count().row(0))
        and bool((index.select("offset", "bytes").min_horizontal() >= 0).all())
        and index["outcome"].is_in(["", *OUTCOMES]).all()
    )


def _not_whole(root: str) -> SourceError:
    return SourceError(
        "a pack must have all that `pictree pack` wrote",
        got=f"{printable(root)!r}, of which an index is gone or damaged",
        do="Pack the pictures again, into another folder",
    )


def write_tar(
    stream: BinaryIO, first: int, paths: Iterable[str], raws: Iterable[Raw]
) -> pl.DataFrame:
    """Write files behind one another, and return their index.

    Parameters
    ----------
    stream : binary file
        At its beginning.
    first : int
        Number of the first file.
    paths : iterable of str
    raws : iterable of bytes or Unusable
        In the same order.

    Raises
    ------
    SourceError
        If there is an array among them.
    """
    rows = []
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for number, (path, raw) in enumerate(zip(paths, raws, strict=True), start=first):
            if isinstance(raw, np.ndarray):
                raise SourceError(
                    "only files of pictures are packed",
                    got=f"{path}, which is an array in a file of many",
                    do="Use that file as it is",
                )
            if isinstance(raw, Unusable):
                rows.append((path, 0, 0, raw.outcome, raw.reason))
                continue
            member = tarfile.TarInfo(f"{number:09d}{_suffix(path)}")
            member.size = len(raw)
            rows.append((path, tar.offset + tarfile.BLOCKSIZE, len(raw), "", ""))
            tar.addfile(member, io.BytesIO(raw))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def _suffix(path: str) -> str:
    lower = path.lower()
    return next((suffix for suffix in PICTURE_SUFFIXES if lower.endswith(suffix)), ".bin")
