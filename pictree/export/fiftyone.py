"""FiftyOne's FiftyOneImageClassificationDataset: data/ and labels.json.

https://docs.voxel51.com/user_guide/import_datasets.html. Keys are file names without suffix;
with confidences a target is an object with ``label`` and ``confidence``; unlabelled ones are
null.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import polars as pl

from pictree.export.base import FolderFormat, in_one, number_of
from pictree.files import write_json


def _describe(folder: Path, rows: pl.DataFrame) -> None:
    targets = {
        PurePosixPath(row["file_name"]).stem: _target(row)
        for row in rows.select("file_name", "label", "confidence").iter_rows(named=True)
    }
    write_json(folder / "labels.json", {"labels": targets})


def _target(row: dict[str, Any]) -> dict[str, Any] | None:
    if row["label"] is None:
        return None
    target = {"label": row["label"], "confidence": number_of(row["confidence"])}
    return {key: value for key, value in target.items() if value is not None}


FIFTYONE = FolderFormat(
    "fiftyone", "FiftyOneImageClassificationDataset: data/, labels.json", in_one("data"), _describe
)
