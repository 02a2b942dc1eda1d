"""One table of everything: CSV for people and spreadsheets, Parquet for the rest."""

from __future__ import annotations

from typing import BinaryIO

import polars as pl

from pictree.export.base import TableFormat
from pictree.files import csv_bytes
from pictree.store import Run


def _csv(run: Run, rows: pl.DataFrame, file: BinaryIO) -> None:
    file.write(csv_bytes(rows))


def _parquet(run: Run, rows: pl.DataFrame, file: BinaryIO) -> None:
    rows.write_parquet(file)


CSV = TableFormat("csv", "a table, a row for each file", _csv)
PARQUET = TableFormat("parquet", "the same table, typed", _parquet)
