"""What an export format is: one file, or a folder that holds the pictures too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import polars as pl

from pictree.store import Run

HOW = ("copy", "hardlink", "symlink")


@dataclass(frozen=True)
class TableFormat:
    """A format that is one file.

    Attributes
    ----------
    name : str
        What ``--to`` takes.
    about : str
        For people.
    write : callable
        Takes the run, the rows (`pictree.export.rows.ROWS`) and the open file.
    """

    name: str
    about: str
    write: Callable[[Run, pl.DataFrame, BinaryIO], None]


@dataclass(frozen=True)
class FolderFormat:
    """A format that is a folder with pictures.

    Attributes
    ----------
    name, about : str
        As in `TableFormat`.
    folders : callable
        Takes the rows; returns the folder of each picture, relative to the export, "" for its
        top. Safe names.
    describe : callable
        Takes the folder and the rows whose pictures are in it, with ``file_name`` (relative,
        forward slashes); writes what stands beside the pictures.
    """

    name: str
    about: str
    folders: Callable[[pl.DataFrame], list[str]]
    describe: Callable[[Path, pl.DataFrame], None]


def in_one(folder: str) -> Callable[[pl.DataFrame], list[str]]:
    """Return what puts every picture into one folder."""
    return lambda rows: [folder] * len(rows)


def number_of(value: float | None, digits: int = 4) -> float | None:
    """Round for JSON, which has no float32."""
    return None if value is None else round(float(value), digits)
