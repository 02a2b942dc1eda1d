"""TIFF stacks: each page of a file with several is an image."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

from PIL import Image

from pictree.images.arrays import NumberedPaths
from pictree.images.base import Source, printable
from pictree.images.outcome import Unusable
from pictree.images.quiet import quiet

SUFFIXES = (".tif", ".tiff")


class StackSource(Source):
    """Pages of a TIFF.

    Parameters
    ----------
    path : str
    pages : int
    """

    kind = "stack"
    in_order = True

    def __init__(self, path: str, pages: int) -> None:
        root, name = os.path.abspath(path), printable(Path(path).name)  # noqa: PTH100
        self._image, self._lock = Image.open(path, formats=["TIFF"]), threading.Lock()
        super().__init__(name, printable(root), os.path.dirname(root), NumberedPaths(name, pages))  # noqa: PTH120

    def read(self, i: int) -> bytes:
        """Return page `i` as a TIFF of its own, uncompressed; see `Source.read`."""
        buffer = io.BytesIO()
        try:
            with self._lock, quiet:
                self._image.seek(i)
                self._image.save(buffer, "TIFF", compression="raw")
        except Exception as error:  # Pillow raises nearly every type there is on a broken file
            raise Unusable("unreadable", "broken page of a TIFF") from error
        return buffer.getvalue()


def pages_of(path: str) -> int:
    """Return how many pages a TIFF has; 1 where it can't be told."""
    try:
        with quiet, Image.open(path, formats=["TIFF"]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # what is wrong with it, decoding it tells
        return 1


def open_stack(path: str) -> StackSource:
    """Open a TIFF with several pages; see `pages_of`."""
    return StackSource(path, pages_of(path))
