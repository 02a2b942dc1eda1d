"""Files of a run, read; one that is torn or absent is named in one sentence."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.errors import RunError

MANIFEST = "manifest.json"
TABLE_FAULTS = (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What polars raises of a damaged Parquet file; a panic of it is no Exception."""
_ONLY_ONCE = ("run.json", MANIFEST, "adding.json")
"""What nothing else in the run tells: a resumed fit can't write it again."""


def open_array(file: Path) -> np.ndarray:
    """Return an .npy as a memory map; `RunError` where it is torn."""
    try:
        return np.load(file, allow_pickle=False, mmap_mode="r")
    except (OSError, ValueError, EOFError) as error:
        raise damaged(file) from error


def read_parquet(file: Path) -> pl.DataFrame:
    """Return a table; `RunError` where it is torn."""
    try:
        return pl.read_parquet(for_polars(file))
    except TABLE_FAULTS as error:
        raise damaged(file) from error


def for_polars(file: str | Path) -> str | io.BytesIO:
    """Return what polars can open: a path of it must be UTF-8, which those of Linux need not be."""
    name = str(file)
    try:
        name.encode()
    except UnicodeEncodeError:
        return io.BytesIO(Path(file).read_bytes())
    return name


def read_json(file: Path) -> dict[str, Any]:
    """Return what a JSON file says; `RunError` where it is absent or torn."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(
            f"The run must have {file.name}",
            got=f"none in {file.parent}",
            do="Finish the run: the same `pictree fit` command with --resume",
        ) from None
    except (OSError, ValueError) as error:
        raise damaged(file) from error


def read_lines(file: Path) -> list[dict[str, Any]]:
    """Return what each line of JSON says, none for no file; `RunError` where it is torn."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        return [json.loads(line) for line in lines]
    except (OSError, ValueError) as error:
        raise damaged(file) from error


def damaged(file: Path) -> RunError:
    """Return the error that names a torn or absent file, and the way out."""
    if not file.exists():
        return missing(file)
    again = "Delete that file and run the same `pictree fit` command with --resume"
    return RunError(
        "Every file of a run must be as Pictree wrote it",
        got=f"{file}, which can't be read",
        do=_way_out(file) or again,
    )


def missing(file: Path) -> RunError:
    """Return the error that names a file which the run ought to have, and the way out."""
    return RunError(
        "Every file of a run must be there",
        got=f"no {file}",
        do=_way_out(file) or "Finish the run: the same `pictree fit` command with --resume",
    )


def _way_out(file: Path) -> str:
    """Return how a finished run's file is had again; nothing for an unfinished run's."""
    if file.name in _ONLY_ONCE:
        return "Restore that file from a copy"
    folders = [folder for folder in list(file.parents)[:3] if (folder / MANIFEST).exists()]
    again = "Make it again by `pictree verify {} --repair`, or restore it from a copy"
    return again.format(folders[0]) if folders else ""
