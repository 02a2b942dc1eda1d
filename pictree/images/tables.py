"""Images in a column of a table: what Parquet files and Hugging Face's Arrow files share."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from pictree.errors import SourceError
from pictree.images.arrays import NumberedPaths
from pictree.images.base import Source, printable
from pictree.images.outcome import MAX_FILE_BYTES, Unusable

USUAL_NAMES = ("image", "img", "images", "picture", "jpg", "png")
"""Names that a column of pictures is looked for under, where several could be it."""


class TableSource(Source):
    """Rows of a table, each with a picture file's bytes.

    Parameters
    ----------
    path : str
        The file or folder.
    column : str
        Of the pictures.
    count : int
        Number of rows.
    shown : str
        What the paths begin with.
    """

    def __init__(self, path: str, column: str, count: int, shown: str) -> None:
        root = os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
        self._column = column
        super().__init__(
            printable(shown), printable(root), os.path.dirname(root), NumberedPaths(shown, count)  # noqa: PTH120
        )  # fmt: skip

    @abstractmethod
    def cell(self, i: int) -> Any:
        """Return what the column of pictures holds in a row: bytes, a struct or None."""

    def read(self, i: int) -> bytes:
        """Return the bytes of row `i`; see `Source.read`."""
        value = self.cell(i)
        raw = value.get("bytes") if isinstance(value, Mapping) else value
        if raw is None:
            only_path = isinstance(value, Mapping) and value.get("path")
            reason = "the table has its path alone, not its bytes" if only_path else "no value"
            raise Unusable("empty" if not only_path else "unreadable", reason)
        if len(raw) > MAX_FILE_BYTES:
            raise Unusable("too large", f"file above {MAX_FILE_BYTES // 2**20} MiB")
        return raw


def choose_column(path: str, like: Sequence[str], every: Sequence[str], key: str | None) -> str:
    """Return the column of pictures.

    Parameters
    ----------
    path : str
        Of the table, for the message.
    like : sequence of str
        Columns that could hold pictures.
    every : sequence of str
        All columns.
    key : str, optional
        The one that the user named.

    Raises
    ------
    SourceError
        If it is not there, or not clear which is meant.
    """
    usual = [name for name in USUAL_NAMES if name in like]
    if key is None and (len(like) == 1 or usual):
        return usual[0] if usual else like[0]
    if key is not None and key in like:
        return key
    name = printable(path)
    raise SourceError(
        f"{name!r} must hold a column of pictures, as bytes",
        got=(f"no such {key!r}; " if key else "several or none that could be; ")
        + f"its columns are {', '.join(map(repr, every)) or 'none'}",
        do=f"Name the column, as {name}:COLUMN",
    )
