"""Pictures put into a new folder: copied, or linked where they are files; never moved."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pictree.errors import RunError
from pictree.export.base import FolderFormat
from pictree.export.names import Names
from pictree.export.originals import Pictures
from pictree.images.outcome import Unusable
from pictree.progress import Progress

_NO_LINKS = {errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS}


@dataclass
class Put:
    """What became of the pictures of an export.

    Attributes
    ----------
    is_there : list of bool
        For each row, whether its picture is in the folder.
    linked, written : int
    left_out : Counter of str
        Reason to count.
    """

    is_there: list[bool] = field(default_factory=list)
    linked: int = 0
    written: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def planned(rows: pl.DataFrame, fmt: FolderFormat, pictures: Pictures) -> pl.DataFrame:
    """Return the rows with ``file_name``: where each picture goes in the export.

    Names are given in the order of ids, each once in its folder: the first keeps its own, a
    later one gets its id.
    """
    given: dict[str, Names] = {}
    names = []
    for (image, path), folder in zip(
        rows.select("id", "path").iter_rows(), fmt.folders(rows), strict=True
    ):
        here = given.setdefault(folder, Names(by_stem=True))
        name = here.give(pictures.name(image, path), image)
        names.append(f"{folder}/{name}" if folder else name)
    return rows.with_columns(file_name=pl.Series(names, dtype=pl.String))


def put(
    rows: pl.DataFrame,
    sha256: dict[int, str | None],
    folder: Path,
    how: str,
    pictures: Pictures,
    progress: Progress,
) -> Put:
    """Put the pictures of the rows into a folder.

    Parameters
    ----------
    rows : polars.DataFrame
        With ``file_name``; see `planned`.
    sha256 : dict
        What each image's content was, by id. A copy of another content is not made; what a link
        leads to is not read.
    folder : Path
    how : "copy", "hardlink" or "symlink"
        What is inside another file is written out in any case.
    pictures : Pictures
    progress : Progress

    Raises
    ------
    RunError
        If hard links to the pictures can't be made there.
    """
    done = Put()
    progress.start("writing pictures", len(rows))
    for image, path, to in _places(rows, folder):
        file = None if how == "copy" else pictures.file(image, path)
        try:
            if file is not None:
                _link(file, to, how)
                done.linked += 1
            else:
                to.write_bytes(pictures.read(image, path, sha256[image]))
                done.written += 1
            done.is_there.append(True)
        except Unusable as problem:
            done.is_there.append(False)
            done.left_out[problem.reason] += 1
        progress.advance(1)
    progress.close()
    return done


def _places(rows: pl.DataFrame, folder: Path) -> Iterator[tuple[int, str, Path]]:
    made: set[Path] = set()
    for image, path, name in rows.select("id", "path", "file_name").iter_rows():
        to = folder / name
        if to.parent not in made:
            to.parent.mkdir(parents=True, exist_ok=True)
            made.add(to.parent)
        yield image, path, to


def _link(file: Path, to: Path, how: str) -> None:
    if not file.exists():
        raise Unusable("unreadable", "the file is gone")
    if how == "symlink":
        to.symlink_to(file)
        return
    try:
        os.link(file.resolve(), to)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        raise RunError(
            "hard links need the pictures and the export on one file system",
            got=f"'{error.strerror}' for {file}",
            do="Choose a folder beside the pictures, or --how copy or symlink",
        ) from error
