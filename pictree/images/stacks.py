"""TIFF stacks: each page of a file with several is an image."""

from __future__ import annotations

import os
import threading
import weakref
from pathlib import Path

from pictree.images.arrays import NumberedPaths
from pictree.images.base import Source, printable
from pictree.images.guard import Guards
from pictree.images.pages import count_pages

SUFFIXES = (".tif", ".tiff")

_shared: weakref.WeakValueDictionary[int, Guards] = weakref.WeakValueDictionary()
"""By process: all its stacks share a child, whose start takes a third of a second."""


class StackSource(Source):
    """Pages of a TIFF.

    They are taken out of their file in a child process: a page is decoded by that.

    Parameters
    ----------
    path : str
    pages : int
    """

    kind = "stack"
    in_order = True

    def __init__(self, path: str, pages: int) -> None:
        root, name = os.path.abspath(path), printable(Path(path).name)  # noqa: PTH100
        self._path, self._lock = root, threading.Lock()
        self._guards = _shared.setdefault(os.getpid(), Guards())
        super().__init__(name, printable(root), os.path.dirname(root), NumberedPaths(name, pages))  # noqa: PTH120

    def read(self, i: int) -> bytes:
        """Return page `i` as a TIFF of its own, uncompressed; see `Source.read`."""
        with self._lock:
            return self._guards.page(self._path, i)


def open_stack(path: str) -> StackSource:
    """Open a TIFF with several pages."""
    return StackSource(path, count_pages(path))
