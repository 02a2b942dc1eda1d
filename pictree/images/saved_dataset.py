"""Data sets that Hugging Face's ``datasets`` saved to disk: Arrow files, memory-mapped.

``save_to_disk`` writes state.json, which lists the data-*.arrow files (Arrow's stream format),
and dataset_info.json; a dictionary of splits has dataset_dict.json and a folder for each split.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images.base import Source, printable
from pictree.images.composite import CompositeSource
from pictree.images.extras import need
from pictree.images.parquet import no_such_column
from pictree.images.tables import TableSource, choose_column


class SavedDataset(TableSource):
    """One split; nothing of it is copied into memory but the picture that is read.

    Parameters
    ----------
    path : str
        The split's folder.
    column : str
    batches : list of pyarrow.RecordBatch
    shown : str
    """

    kind = "arrow"

    def __init__(self, path: str, column: str, batches: list[Any], shown: str) -> None:
        self._batches = batches
        self._ends = np.cumsum([batch.num_rows for batch in batches])
        super().__init__(path, column, int(self._ends[-1]), shown)

    def cell(self, i: int) -> Any:
        """Return the struct or bytes of row `i`."""
        number = int(np.searchsorted(self._ends, i, side="right"))
        at = i - (int(self._ends[number - 1]) if number else 0)
        return self._batches[number].column(self._column)[at].as_py()

    def labels(self, key: str) -> list[Any]:
        """Return a column's values; see `Source.labels`."""
        names = self._batches[0].schema.names
        if key not in names:
            raise no_such_column(self.name, key, names)
        arrow = need("pyarrow", "a saved data set")
        try:
            _check(self._batches, key)
            return [value for batch in self._batches for value in batch.column(key).to_pylist()]
        except (arrow.lib.ArrowException, UnicodeDecodeError) as error:
            raise _damaged(Path(self.root)) from error


def is_saved_dataset(folder: str) -> bool:
    """Tell whether a folder is what ``save_to_disk`` wrote."""
    names = ("dataset_dict.json", "state.json")
    if Path(folder, names[0]).is_file():
        return True
    return Path(folder, names[1]).is_file() and any(Path(folder).glob("*.arrow"))


def open_saved_dataset(folder: str) -> Source:
    """Open a data set, or all splits of one in their order.

    Raises
    ------
    SourceError
        If it is damaged or has no pictures.
    MissingExtraError
        If pyarrow is absent.
    """
    splits = Path(folder, "dataset_dict.json")
    if not splits.is_file():
        return _open_split(Path(folder))
    names = [name for name in _listed(splits, "splits") if Path(str(name)).name == name]
    parts: list[Source] = [_open_split(Path(folder, name)) for name in names]
    if not parts:
        raise _damaged(splits)
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


def _open_split(folder: Path) -> SavedDataset:
    arrow = need("pyarrow", "a saved data set")
    ipc = need("pyarrow.ipc", "a saved data set")
    batches: list[Any] = []
    for file in _files(folder):
        try:
            with ipc.open_stream(arrow.memory_map(str(file))) as reader:
                batches += [batch for batch in reader if batch.num_rows]
        except (OSError, arrow.lib.ArrowException) as error:
            raise _damaged(file) from error
    if not batches:
        raise _damaged(folder)
    schema = batches[0].schema
    like = [field.name for field in schema if _holds_bytes(arrow, field.type)]
    column = choose_column(str(folder), like, schema.names, None)
    try:
        _check(batches, column)
    except arrow.lib.ArrowException as error:
        raise _damaged(folder) from error
    return SavedDataset(str(folder), column, batches, folder.name)


def _check(batches: list[Any], column: str) -> None:
    """Have Arrow check every offset of a column: it follows damaged ones out of the file."""
    for batch in batches:
        batch.column(column).validate(full=True)


def _files(folder: Path) -> list[Path]:
    state = folder / "state.json"
    names = [e.get("filename") for e in _listed(state, "_data_files") if isinstance(e, dict)]
    files = [folder / Path(str(name)).name for name in names]
    if not all(file.is_file() for file in files):  # a pipe would be waited for
        raise _damaged(folder)
    return files


def _listed(file: Path, key: str) -> list[Any]:
    found = _json(file).get(key)
    if not isinstance(found, list):
        raise _damaged(file)
    return found


def _holds_bytes(arrow: Any, kind: Any) -> bool:
    types = arrow.types
    if types.is_struct(kind):
        at = kind.get_field_index("bytes")
        return at >= 0 and _holds_bytes(arrow, kind.field(at).type)
    return types.is_binary(kind) or types.is_large_binary(kind)


def _json(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(file) from error
    if not isinstance(found, dict):
        raise _damaged(file)
    return found


def _damaged(file: Path) -> SourceError:
    return SourceError(
        "a saved data set must be whole",
        got=f"a damaged or empty {printable(str(file))!r}",
        do="Save it again with save_to_disk",
    )
