"""Estimators on disk: parameters and small facts as JSON, nothing pickled."""

from __future__ import annotations

import json
import numbers
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator

from pictree.clustering.choose import Candidate
from pictree.errors import RunError
from pictree.files import write_json

FORMAT = 1
FILE = "estimator.json"

_FAULTS = (
    *(OSError, EOFError, ValueError, KeyError, TypeError),
    *(zipfile.BadZipFile, zlib.error, pl.exceptions.PolarsError),
)
"""What reading a damaged JSON, .npz or Parquet file can raise."""

E = TypeVar("E", bound=BaseEstimator)


def write(estimator: BaseEstimator, folder: Path, fitted: dict[str, Any]) -> None:
    """Write an estimator's parameters, and what `fit` found, to ``estimator.json``.

    Parameters
    ----------
    estimator : BaseEstimator
        A ``random_state`` that is a generator becomes None: its state is not kept.
    folder : Path
    fitted : dict
        Plain values.
    """
    parameters = {k: _plain(v) for k, v in estimator.get_params(deep=False).items()}
    about = {"format": FORMAT, "estimator": type(estimator).__name__}
    write_json(folder / FILE, {**about, "parameters": parameters, "fitted": fitted})


def read(kind: type[E], folder: Path) -> tuple[E, dict[str, Any]]:
    """Make an unfitted estimator from ``estimator.json``, and return what `fit` had found.

    Raises
    ------
    RunError
        If the file is absent, damaged, newer, or another estimator's.
    """
    file = folder / FILE
    with reading(file):
        content = json.loads(file.read_text(encoding="utf-8"))
        made_by, version = content["estimator"], content["format"]
        parameters, fitted = content["parameters"], content["fitted"]
    if made_by != kind.__name__:
        do = f"Use {made_by}.load"
        raise RunError(f"{file} must be of {kind.__name__}", got=made_by, do=do)
    if version != FORMAT:
        raise RunError(f"{file} must have format {FORMAT}", got=str(version), do="Upgrade pictree")
    return kind(**{key: _tuple(value) for key, value in parameters.items()}), fitted


@contextmanager
def reading_arrays(file: Path) -> Iterator[dict[str, np.ndarray]]:
    """Read an .npz; what goes wrong meanwhile names the file."""
    with reading(file), np.load(file, allow_pickle=False) as stored:
        yield dict(stored)


def read_shortlist(fitted: dict[str, Any], folder: Path) -> list[Candidate]:
    """Return the numbers of clusters that `fit` had ranked."""
    with reading(folder / FILE):
        return [Candidate(**row) for row in fitted["shortlist"]]


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn whatever goes wrong while `file` is read into a `RunError` that names it."""
    try:
        yield
    except _FAULTS as error:
        raise RunError(
            f"{file} must be as it was saved",
            got=f"{type(error).__name__}: {error}",
            do="Restore the folder from a copy, or fit and save again",
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value if value is None or isinstance(value, str) else None


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
