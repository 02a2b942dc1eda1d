"""Parquet with the bytes of pictures, as Hugging Face publishes data sets."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import polars as pl

from pictree.errors import SourceError
from pictree.images.base import printable
from pictree.images.outcome import Unusable
from pictree.images.tables import TableSource, choose_column
from pictree.reading import TABLE_FAULTS, for_polars

_ROWS = 256
"""Rows read at a time."""


class ParquetSource(TableSource):
    """Rows of a Parquet file; a block of rows is in memory at a time.

    Parameters
    ----------
    path : str
    column : str
        Binary, or a struct with ``bytes``.
    count : int
    shown : str
    """

    kind = "parquet"
    in_order = True

    def __init__(self, path: str, column: str, count: int, shown: str) -> None:
        super().__init__(path, column, count, shown)
        self._file, self._lock = path, threading.Lock()
        self._block: tuple[int, list[Any]] = (-1, [])

    def cell(self, i: int) -> Any:
        """Return the struct or bytes of row `i`."""
        with self._lock:
            number, at = divmod(i, _ROWS)
            if self._block[0] != number:
                self._block = (number, self._read(number * _ROWS))
            rows = self._block[1]
        if at >= len(rows):
            raise Unusable("unreadable", "damaged inside the table")
        return rows[at]

    def _read(self, first: int) -> list[Any]:
        part = pl.scan_parquet(for_polars(self._file)).select(self._column).slice(first, _ROWS)
        try:
            return part.collect().to_series().to_list()
        except TABLE_FAULTS:  # all rows that are read at once share the fault
            return []

    def labels(self, key: str) -> list[Any]:
        """Return a column's values; see `Source.labels`."""
        try:
            schema = pl.read_parquet_schema(for_polars(self._file))
            if key not in schema:
                raise no_such_column(self.name, key, list(schema))
            return pl.read_parquet(for_polars(self._file), columns=[key]).to_series().to_list()
        except TABLE_FAULTS as error:
            raise _damaged(self._file) from error


def open_parquet(path: str, key: str | None = None) -> ParquetSource:
    """Open a Parquet file.

    Parameters
    ----------
    path : str
    key : str, optional
        The column of pictures. Default: the only one that is binary or a struct with ``bytes``;
        of several, one with a usual name, such as ``image``.

    Raises
    ------
    SourceError
        If the file is damaged or has no rows, or the column is not there or not clear.
    """
    try:
        schema = pl.read_parquet_schema(for_polars(path))
        count = int(pl.scan_parquet(for_polars(path)).select(pl.len()).collect().item())
    except TABLE_FAULTS as error:
        raise _damaged(path) from error
    like = [name for name, kind in schema.items() if _holds_bytes(kind)]
    column = choose_column(path, like, list(schema), key)
    if not count:
        raise SourceError(
            "a table of pictures must have rows", got=f"none in {printable(path)!r}", do="Check it"
        )
    name = Path(path).name
    return ParquetSource(path, column, count, f"{name}:{key}" if key else name)


def _damaged(path: str) -> SourceError:
    return SourceError(
        f"{printable(path)!r} must be a whole Parquet file",
        got="a damaged file",
        do="Download or write it again",
    )


def _holds_bytes(kind: Any) -> bool:
    if isinstance(kind, pl.Struct):
        return any(field.name == "bytes" and field.dtype == pl.Binary for field in kind.fields)
    return kind == pl.Binary


def no_such_column(name: str, key: str, columns: list[str]) -> SourceError:
    """Return the error that lists the columns there are."""
    return SourceError(
        f"{name!r} must hold the known labels",
        got=f"no {key!r}; it holds {', '.join(map(repr, columns))}",
        do="Name one of these columns",
    )
