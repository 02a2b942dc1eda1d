"""What every source of images has, and how names are shown."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath
from typing import Any, TypeAlias

import numpy as np

from pictree.images.outcome import Unusable

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


Raw: TypeAlias = bytes | np.ndarray | Unusable
"""What reading an item gives: a file's bytes, an array (h, w[, c]), or why there is neither."""


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
        Whether items must be read one after another, by `read_each` (compressed tar, a bucket).
    """

    kind = "source"
    in_order = False
    copy: Any = None  # of a fetched file: removed with its last source

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

    def try_to_read(self, i: int) -> Raw:
        """Return what `read` returns, or what it raises where the item can't be used."""
        try:
            return self.read(i)
        except Unusable as problem:
            return problem

    def read_each(self, items: Iterable[int]) -> Iterator[Raw]:
        """Yield what `try_to_read` returns for each item, in this order."""
        return map(self.try_to_read, items)

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


def is_hidden(name: str) -> bool:
    """Tell whether a name, or a folder in it, begins with a dot or is ``__MACOSX``."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(
        (part.startswith(".") and part not in (".", "..")) or part == "__MACOSX" for part in parts
    )
