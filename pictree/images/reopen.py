"""The sources of a run, opened again: what an image's file was, and its bytes or array."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import PictreeError, SourceError
from pictree.images.addresses import read_object
from pictree.images.base import Source
from pictree.images.composite import common_folder
from pictree.images.files import read_file
from pictree.images.known_labels import read_key
from pictree.images.outcome import Unusable
from pictree.images.sources import open_source

_ON_DISK = ("folder", "files")
_FOLDERS = ("folder", "objects", "zip", "tar", "packed")


class Originals:
    """The images of one pile as they were given.

    Parameters
    ----------
    described : sequence of mappings
        What `Source.describe` said of each part of the pile, in order: kind, name, root, items.
    """

    def __init__(self, described: Sequence[Mapping[str, Any]]) -> None:
        self._parts = _flat(described)
        self._common = common_folder([_folder(part) for part in self._parts if part["root"]])
        self._ends = np.cumsum([part["items"] for part in self._parts])
        self._open: dict[str, Source | None] = {}

    def file(self, item: int, path: str) -> Path | None:
        """Return the file that an image is; None where it is inside another, or in memory.

        Parameters
        ----------
        item : int
            Its number in the pile.
        path : str
            Its path in the inventory.
        """
        part = self._parts[self._part(item)]
        if part["kind"] not in _ON_DISK:
            return None
        shown = Path(self._common, path)
        return shown if shown.exists() else Path(self._common, _true_name(path))

    def was_in_memory(self, item: int) -> bool:
        """Tell whether an image came from an array that was in no file."""
        return not self._parts[self._part(item)]["root"]

    def read(self, item: int, path: str) -> bytes | np.ndarray:
        """Return an image's bytes or array.

        Raises
        ------
        Unusable
            If it is not there any more.
        """
        file = self.file(item, path)
        if file is not None:
            return read_file(str(file))
        number = self._part(item)
        if self._parts[number]["kind"] == "objects":
            return read_object(f"{self._common}/{path}" if self._common else path)
        source = self._source(self._parts[number])
        inside = item - (int(self._ends[number - 1]) if number else 0)
        if source is None or inside >= len(source):
            raise Unusable("unreadable", "what it came from is gone")
        return source.read(inside)

    def labels(self, key: str) -> list[str | None]:
        """Return what the files say of each item in a key or column of theirs.

        Raises
        ------
        SourceError
            If they are gone, or have no such one.
        """
        said: list[str | None] = []
        for part in self._parts:
            on_disk = part["kind"] in _ON_DISK or not part["root"]
            source = None if on_disk else self._source(part)
            if source is None or len(source) != part["items"]:
                raise SourceError(
                    f"{key!r} must be a CSV, or a key or column of the files of the run's pictures",
                    got=f"pictures from {part['name']!r}, which " + _lack(part, on_disk),
                    do="Give a CSV with path and split",
                )
            said += read_key(key, source)
        return said

    def _source(self, part: Mapping[str, Any]) -> Source | None:
        key = f"{part['root']}:{part['name']}"
        if key not in self._open:
            self._open[key] = _open(part["root"], part["name"])
        return self._open[key]

    def _part(self, item: int) -> int:
        return int(np.searchsorted(self._ends, item, side="right"))


def _lack(part: Mapping[str, Any], on_disk: bool) -> str:
    if on_disk:
        return "has no columns"
    return f"is not in {part['root']} any more, or has changed"


def _flat(described: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    nested = [_flat(part["parts"]) if "parts" in part else [part] for part in described]
    return [part for parts in nested for part in parts]


def _folder(part: Mapping[str, Any]) -> str:
    """Return what the paths of a part are relative to; as its source had it."""
    root = part["root"]
    if part["kind"] in _FOLDERS or (part["kind"] == "files" and part["items"] > 1):
        return root
    if part["kind"] == "files" and Path(_true_name(root)).is_dir():
        return root
    return os.path.dirname(root)  # noqa: PTH120 - keeps the two slashes of an address


def _open(root: str, name: str) -> Source | None:
    """Open an archive or array file again; None where that fails."""
    before = f"{Path(root).name}:"
    key = name.removeprefix(before) if name.startswith(before) else ""
    try:
        return open_source(f"{_true_name(root)}:{key}" if key else _true_name(root))
    except (PictreeError, OSError):
        return None


def _true_name(shown: str) -> str:
    r"""Undo `printable`: bytes that are no UTF-8 are shown as ``\xNN``."""
    if "\\x" not in shown or Path(shown).exists():
        return shown
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes.fromhex(m[1].decode()), shown.encode())
    return os.fsdecode(raw)
