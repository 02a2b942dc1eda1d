"""What a data set itself says about its images; for scoring, and for nothing else."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images.base import Source, printable
from pictree.images.composite import CompositeSource
from pictree.images.idx import is_idx, read_idx
from pictree.images.numpy_files import npz_arrays, read_npz
from pictree.images.splits import are_splits

Labels = list[str | None]
_MUST_BE = (
    "known labels must be 'folders', a CSV, an IDX label file, or a key or column of the file"
)


def read_known_labels(spec: Any, source: Source) -> Labels | None:
    """Read one known label for each item of a source.

    Parameters
    ----------
    spec : None, str, Path or list
        None: there are none. "folders": the first folder below the source's root, or below
        train/ and test/ where that is all it has; None for a file directly in it (of several
        sources given together: that source's folder name). An IDX label file (.gz). A CSV file
        with a header that has `path` and `label`, matched by the relative path. A key of the
        source's .npz or HDF5, a column of its Parquet or saved data set, or ``cls`` for
        WebDataset's files of classes. Several of these, in the order of the sources.
    source : Source

    Returns
    -------
    list of str or None, or None
        Integers become their decimal digits; they are not looked up in any table of names.

    Raises
    ------
    SourceError
        If the labels can't be read, or don't fit the source.
    """
    if spec is None:
        return None
    if isinstance(spec, (list, tuple)):
        return _read_each([os.fspath(one) for one in spec], source)
    spec = os.fspath(spec)
    if spec == "folders":
        return _folder_labels(source)
    if not Path(spec).is_file():
        return read_key(spec, source)
    if spec.lower().endswith(".csv"):
        return _read_csv(spec, source)
    if spec.lower().endswith((".idx", ".gz", "-ubyte")) or is_idx(spec):
        return _fitting(_as_text(read_idx(spec), spec), source, spec)
    raise SourceError(
        _MUST_BE,
        got=repr(printable(spec)),
        do="Give one of these",
    )


def labels_beside(source: Source) -> list[Path] | None:
    """Find the label files that lie beside IDX image files under their usual names.

    Returns
    -------
    list of Path or None
        One for each IDX source in order (``…images-idx3-ubyte.gz`` has ``…labels-idx1-ubyte.gz``),
        or None unless every part of the source has one.
    """
    parts = source.parts if isinstance(source, CompositeSource) else [source]
    found = [_beside(part) for part in parts]
    beside = [path for path in found if path is not None]
    return beside if len(beside) == len(parts) else None


def _beside(source: Source) -> Path | None:
    images = Path(source.root)
    if source.kind != "idx" or "images" not in images.name:
        return None
    stem = images.name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    bare = stem.removesuffix(".gz")
    for name in (stem, bare, f"{bare}.gz"):
        if (images.parent / name).is_file():
            return images.parent / name
    return None


def _read_each(specs: list[str], source: Source) -> Labels | None:
    if len(specs) == 1:
        return read_known_labels(specs[0], source)
    parts = source.parts if isinstance(source, CompositeSource) else [source]
    if len(parts) != len(specs):
        raise SourceError(
            "there must be one file of known labels for each file of images, in the same order",
            got=f"{len(specs)} for {len(parts)}",
            do="Give them in the same order, or a single one for all",
        )
    labels: Labels = []
    for spec, part in zip(specs, parts, strict=True):
        labels += read_known_labels(spec, part) or []
    return labels


def _folder_labels(source: Source) -> Labels:
    if isinstance(source, CompositeSource):
        return [label or part.name for part in source.parts for label in (_folder_labels(part))]
    folders = [path.split("/")[:-1] for path in source.paths]
    level = 1 if are_splits({names[0] for names in folders if names}) else 0
    labels: Labels = [names[level] if len(names) > level else None for names in folders]
    if source.kind not in ("folder", "files", "objects", "zip", "tar", "packed"):
        raise SourceError(
            "known labels from folders need pictures in folders",
            got=f"an array, {source.name!r}",
            do="Give a label file, or a key or column of the file",
        )
    return labels


def read_key(key: str, source: Source) -> Labels:
    """Read a key or column of the files that a source's images came from.

    Raises
    ------
    SourceError
        If there is no such one, or it has another length.
    """
    parts = source.parts if isinstance(source, CompositeSource) else [source]
    said = [part.labels(key) for part in parts]
    if all(values is not None for values in said):
        return _fitting([_name(value) for values in said for value in values or []], source, key)
    files = {part.copy.path if part.copy else part.root for part in parts}
    if {part.kind for part in parts} != {"npz"} or len(files) != 1:
        raise SourceError(
            _MUST_BE,
            got=f"{printable(key)!r}, which is no file",
            do="Check the path",
        )
    path = files.pop()
    arrays = npz_arrays(path)
    if key not in arrays:
        listed = ", ".join(f"{k} {shape}" for k, (shape, _) in arrays.items())
        raise SourceError(
            f"{source.name!r} must hold the known labels",
            got=f"no {key!r}; it holds {listed}",
            do="Name one of these keys",
        )
    return _fitting(_as_text(read_npz(path, key), key), source, key)


def _as_text(values: np.ndarray, spec: str) -> Labels:
    if values.ndim != 1:
        raise SourceError(
            "known labels must be one for each image",
            got=f"an array of shape {values.shape} in {printable(spec)!r}",
            do="Give the labels, not the images",
        )
    if values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def _name(value: Any) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return None if value is None else str(value)


def _fitting(labels: Labels, source: Source, spec: str) -> Labels:
    if len(labels) != len(source):
        raise SourceError(
            "there must be as many known labels as images",
            got=f"{len(labels):,} labels in {printable(spec)!r} for {len(source):,} images",
            do="Give the labels that belong to these images, in the same order",
        )
    return labels


def _read_csv(path: str, source: Source) -> Labels:
    by_path = csv_rows(path, "label")
    labels = [by_path.get(item) for item in source.paths]
    if not any(label is not None for label in labels):
        raise SourceError(
            "the paths in a CSV of known labels must be those of the images",
            got=f"{next(iter(by_path), '')!r} in the CSV, {source.paths[0]!r} in the source",
            do="Write the paths relative to the source",
        )
    return labels


def csv_rows(path: str, column: str) -> dict[str, str | None]:
    """Read what a CSV with a header says of each path in one of its columns, such as ``label``.

    Raises
    ------
    SourceError
        If it can't be read, or has no such column.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            fields = reader.fieldnames or []
            if "path" not in fields or column not in fields:
                raise SourceError(
                    f"a CSV of known {column}s must have a header with 'path' and '{column}'",
                    got=", ".join(map(repr, fields)) or "an empty file",
                    do=f"Add it to {printable(path)!r}",
                )
            return {_tidy(row["path"]): row[column] or None for row in reader}
    except (UnicodeDecodeError, csv.Error, OSError) as error:
        raise SourceError(
            f"a CSV of known {column}s must be UTF-8 text",
            got=f"{printable(path)!r}, which can't be read",
            do="Save it as CSV, UTF-8",
        ) from error


def _tidy(path: str | None) -> str:
    return (path or "").replace("\\", "/").removeprefix("./")
