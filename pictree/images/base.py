"""What every source of images has, and how names are shown."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

PICTURE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".avif", ".gif", ".tif", ".tiff"),
    *(".bmp", ".dib", ".jp2", ".j2k", ".jpx", ".pbm", ".pgm", ".ppm", ".pnm", ".tga", ".qoi"),
    *(".ico", ".icns", ".psd", ".pcx", ".sgi", ".rgb", ".ras", ".dds", ".fli", ".flc", ".im"),
    *(".msp", ".xbm", ".xpm", ".heic", ".heif", ".dcm"),
)
"""File names that look like a picture. Whether one is, its content decides."""

ARRAY_SUFFIXES = (".npy", ".npz", ".idx", ".idx.gz", "-ubyte", "-ubyte.gz")
TABLE_SUFFIXES = (".parquet", ".h5", ".hdf5", ".he5", ".hdf")
ARCHIVE_SUFFIXES = (*(".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz"),)


class Source(ABC):
    r"""Images in a fixed order.

    Attributes
    ----------
    name : str
        Short, for people.
    root : str
        Absolute path that the source was opened from; "" for arrays in memory.
    folder : str
        Absolute path that `paths` are relative to; "" for arrays in memory.
    paths : Sequence of str
        One for each item, relative, with forward slashes, and always valid Unicode: bytes of a
        file name that are no UTF-8 are shown as ``\xNN``. Reading goes by the true name.
    value_range : (float, float) or None
        For arrays, the values of black and of white in the whole data set. May be set, so that
        new images are scaled as those that a model was trained on.
    in_order : bool
        Whether items must be read one after another (compressed tar).
    """

    kind = "source"
    in_order = False

    def __init__(self, name: str, root: str, folder: str, paths: Sequence[str]) -> None:
        self.name, self.root, self.folder, self.paths = name, root, folder, paths
        self.value_range: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.paths)

    @abstractmethod
    def read(self, i: int) -> bytes | np.ndarray:
        """Return item `i`: a file's bytes, or an array (h, w[, c]).

        Raises
        ------
        Unusable
            If there is nothing to read.
        """

    def block(self, rows: range) -> np.ndarray | None:
        """Return items `rows` as one array (m, h, w[, c]) where the source has them so."""
        return None

    def labels(self, key: str) -> list[Any] | None:
        """Return what the source itself says of each item under a name; None if it says nothing.

        Raises
        ------
        SourceError
            If it has names, but not this one.
        """
        return None

    def describe(self) -> dict[str, Any]:
        """Return what run.json keeps: kind, name, root, number of items."""
        return {"kind": self.kind, "name": self.name, "root": self.root, "items": len(self)}


def printable(name: str) -> str:
    r"""Show bytes that are no UTF-8 as ``\xNN``; everything else stays."""
    if name.isascii():
        return name
    raw = name.encode("utf-8", "surrogateescape" if os.name != "nt" else "surrogatepass")
    return raw.decode("utf-8", "backslashreplace")
