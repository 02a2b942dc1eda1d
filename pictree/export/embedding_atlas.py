"""Embedding Atlas: one Parquet with x, y and the picture itself.

https://apple.github.io/embedding-atlas/data-formats.html: an image is a struct of ``bytes`` and
``path``; neighbours are a struct of ``ids`` and ``distances``, not written here. The pictures
are those that the run holds, at its size.

    embedding-atlas OUT.parquet --x x --y y --image image
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import polars as pl
from PIL import Image

from pictree.errors import RunError
from pictree.export.base import TableFormat
from pictree.store import Run


def _write(run: Run, rows: pl.DataFrame, file: BinaryIO) -> None:
    used = run.used()["id"]
    place = pl.DataFrame({"original": used, "row": pl.int_range(len(used), eager=True)})
    placed = (
        rows.filter(pl.col("cluster").is_not_null())
        .with_columns(pl.coalesce("duplicate_of", "id").alias("original"))
        .join(place, on="original", how="left")
        .sort("id")
    )
    at = placed["row"].to_numpy()
    points = _map(run)[at]
    pictures = pl.Series(
        list(_pictures(run, at, placed["path"])),
        dtype=pl.Struct({"bytes": pl.Binary, "path": pl.String}),
    )
    placed.drop("original", "row", "outcome", "duplicate_of").with_columns(
        x=pl.Series(points[:, 0], dtype=pl.Float32),
        y=pl.Series(points[:, 1], dtype=pl.Float32),
        image=pictures,
    ).write_parquet(file)


def _map(run: Run) -> np.ndarray:
    for points in run.maps().values():
        return points
    raise RunError(
        "Embedding Atlas needs a map of the pictures",
        got=f"none in {run.path}",
        do="Fit with maps: a recipe with [maps] methods, such as --recipe tree",
    )


def _pictures(run: Run, at: np.ndarray, paths: pl.Series) -> Iterator[dict[str, Any]]:
    pixels = run.array("pixels")
    for row, path in zip(at.tolist(), paths, strict=True):
        buffer = io.BytesIO()
        image = pixels[int(row)]
        Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image).save(buffer, "PNG")
        yield {"bytes": buffer.getvalue(), "path": path}


EMBEDDING_ATLAS = TableFormat(
    "embedding-atlas", "Embedding Atlas: Parquet with x, y and pictures", _write
)
