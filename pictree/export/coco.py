"""COCO's JSON with a category for each image: annotations.json and images/.

https://cocodataset.org/#format-data. The annotations have no box: the label is of the whole
image.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pictree.export.base import FolderFormat, in_one, number_of
from pictree.files import write_json


def _describe(folder: Path, rows: pl.DataFrame) -> None:
    names = rows["label"].drop_nulls().unique().sort().to_list()
    categories = {name: number for number, name in enumerate(names, start=1)}
    write_json(
        folder / "annotations.json",
        {
            "info": {"description": "Made by Pictree"},
            "licenses": [],
            "images": [_image(row) for row in rows.iter_rows(named=True)],
            "annotations": _annotations(rows, categories),
            "categories": [
                {"id": number, "name": name, "supercategory": ""}
                for name, number in categories.items()
            ],
        },
    )


def _image(row: dict[str, Any]) -> dict[str, Any]:
    about = {key: row[key] for key in ("id", "file_name", "width", "height")}
    own = {"path": row["path"], "cluster": row["cluster"]}
    return {**about, **own, "confidence": number_of(row["confidence"])}


def _annotations(rows: pl.DataFrame, categories: dict[str, int]) -> list[dict[str, Any]]:
    named = rows.filter(pl.col("label").is_not_null())
    pairs = named.select("id", "label").iter_rows()
    return [
        {"id": number, "image_id": image, "category_id": categories[label]}
        for number, (image, label) in enumerate(pairs, start=1)
    ]


COCO = FolderFormat("coco", "COCO's JSON, a category for each image", in_one("images"), _describe)
