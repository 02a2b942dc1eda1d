"""Files of a run, read; one that is torn or absent is named in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.errors import RunError

_ONLY_ONCE = ("run.json", "manifest.json", "adding.json")
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
        return pl.read_parquet(file)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise damaged(file) from error


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
    """Return the error that names a torn file, and the way out."""
    again = "Delete that file and run the same `pictree fit` command with --resume"
    return RunError(
        "Every file of a run must be as Pictree wrote it",
        got=f"{file}, which can't be read",
        do="Restore that file from a copy" if file.name in _ONLY_ONCE else again,
    )
