"""A look at a pile that changes nothing: counts, sizes, modes, broken files, duplicates."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from pictree.errors import InputError
from pictree.files import csv_bytes, write_bytes
from pictree.images.format import choose_format
from pictree.images.inventory import problems, summary, take_stock
from pictree.images.sources import open_source
from pictree.progress import Progress
from pictree.shards import shard_rows_for


def scan(pictures: Any, *, output: Any = None, progress: Progress | None = None) -> dict[str, Any]:
    """Read every picture once and count what would become of it.

    Parameters
    ----------
    pictures : str, path, array or list of these
    output : path-like, optional
        A CSV of the whole inventory, if wanted; a new file.
    progress : Progress, optional

    Returns
    -------
    dict
        files, used, duplicates, problems (reason to count), modes, sizes, image_format, seconds,
        examples (up to 20 problems: path, outcome, reason).

    Raises
    ------
    SourceError
        If the pictures can't be found, or none is usable.
    InputError
        If there is a file at `output`. Nothing is read then.
    """
    if output is not None and Path(output).exists():
        raise InputError(
            "the output must be a new file", got=f"{output}, which exists", do="Choose another name"
        )
    progress = progress or Progress()
    began = time.perf_counter()
    source = open_source(pictures)
    fmt = choose_format(source)
    rows = shard_rows_for(fmt.height * fmt.width * fmt.channels)
    seen: dict[bytes, int] = {}
    tables = []
    with progress:
        progress.start("reading pictures", len(source))
        for first in range(0, len(source), rows):
            part = range(first, min(first + rows, len(source)))
            table, _ = take_stock(
                source, part, fmt, first_id=first, seen=seen, progress=progress.advance
            )
            tables.append(table)
    inventory = pl.concat(tables)
    if output is not None:
        write_bytes(output, csv_bytes(inventory))
    worst = problems(inventory).head(20).select("path", "outcome", "reason").to_dicts()
    return {
        **summary(inventory),
        "image_format": asdict(fmt),
        "seconds": round(time.perf_counter() - began, 2),
        "examples": worst,
    }
