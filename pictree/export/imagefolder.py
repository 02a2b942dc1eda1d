"""Hugging Face's ImageFolder: pictures with a metadata.csv whose ``file_name`` names each.

https://huggingface.co/docs/datasets/image_dataset#imagefolder
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pictree.export.base import FolderFormat, in_one
from pictree.export.rows import ROWS
from pictree.files import csv_bytes

_ELSEWHERE = ("outcome", "duplicate_of")


def _describe(folder: Path, rows: pl.DataFrame) -> None:
    table = rows.select("file_name", *(name for name in ROWS if name not in _ELSEWHERE))
    (folder / "metadata.csv").write_bytes(csv_bytes(table))


IMAGEFOLDER = FolderFormat(
    "imagefolder", "Hugging Face: pictures and metadata.csv", in_one("images"), _describe
)
