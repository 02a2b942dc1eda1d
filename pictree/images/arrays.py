"""Images in one array: in memory, or of an IDX file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import InputError, SourceError
from pictree.files import let_go
from pictree.images.base import Source, printable
from pictree.images.idx import read_idx
from pictree.images.scale import natural_range


class ArraySource(Source):
    """One array of equally large images.

    Parameters
    ----------
    images : ndarray, shape (n, h, w) or (n, h, w, c)
        c is 1, 3 or 4; bool, integer or float. May be memory-mapped.
    name : str
    path : str
        The file it comes from; "" for an array in memory.

    Raises
    ------
    InputError
        If the array does not have the shape or type of images.
    """

    def __init__(self, images: np.ndarray, name: str, path: str = "", kind: str = "array") -> None:
        check_images(images, name)
        self.kind, self.images, self.dtype = kind, images, images.dtype
        root = os.path.abspath(path) if path else ""  # noqa: PTH100
        super().__init__(name, printable(root), os.path.dirname(root), [])  # noqa: PTH120
        self.rename(name)
        self.value_range = natural_range(images)

    def rename(self, name: str) -> None:
        """Give another name, which the paths begin with."""
        self.name, self.paths = name, NumberedPaths(name, len(self.images))

    def read(self, i: int) -> np.ndarray:
        """Return image `i`, an array (h, w[, c])."""
        return np.asarray(self.images[i])

    def block(self, rows: range) -> np.ndarray | None:
        """Return images `rows`, an array (m, h, w[, c])."""
        let_go(self.images)  # what was read before
        return np.asarray(self.images[rows.start : rows.stop])


class NumberedPaths(Sequence[str]):
    """``name[0]``, ``name[1]`` … made when asked for."""

    def __init__(self, name: str, n: int) -> None:
        self._name, self._n = name, n

    def __len__(self) -> int:
        return self._n

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [f"{self._name}[{k}]" for k in range(*i.indices(self._n))]
        i = i + self._n if i < 0 else i
        if not 0 <= i < self._n:
            raise IndexError(i)
        return f"{self._name}[{i}]"


def check_images(images: np.ndarray, name: str) -> None:
    """Refuse an array that can't be images.

    Raises
    ------
    InputError
    """
    if images.dtype.kind not in "biuf":
        raise InputError(
            "images must be numbers (bool, integer or float)",
            got=f"{images.dtype} in {name}",
            do="Convert the array, for example with .astype('float32')",
        )
    if not has_image_shape(images.shape):
        raise InputError(
            "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4",
            got=f"shape {images.shape} in {name}",
            do=_shape_advice(images.shape),
        )


def has_image_shape(shape: tuple[int, ...]) -> bool:
    """Tell whether an array of this shape can be images: (n, h, w) or (n, h, w, 1, 3 or 4)."""
    right = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3, 4))
    return right and 0 not in shape


def _shape_advice(shape: tuple[int, ...]) -> str:
    if 0 in shape:
        return "Pass at least one image of at least one pixel"
    if len(shape) == 1:
        return "If these are labels, pass them as known labels"
    if len(shape) == 2:
        return "Reshape flat rows to (n, h, w); for a single image pass image[None]"
    if len(shape) == 4 and shape[1] in (1, 3, 4):
        return "Move the channels last, with images.transpose(0, 2, 3, 1)"
    return "Reshape the array"


def stack_images(images: list[np.ndarray]) -> np.ndarray:
    """Make one array (n, h, w) from equally large 2-D arrays.

    Raises
    ------
    InputError
        If one is not 2-D, or their sizes differ.
    """
    for i, image in enumerate(images):
        if image.ndim != 2:
            raise InputError(
                "each image of a list must be a 2-D array",
                got=f"shape {image.shape} at {i}",
                do="Pass one array (n, h, w) or (n, h, w, c), such as np.stack(images)",
            )
        if image.shape != images[0].shape:
            raise InputError(
                "the images of a list must be equally large",
                got=f"{images[0].shape} at 0 and {image.shape} at {i}",
                do="Resize them, or save them as files, which may differ in size",
            )
    return np.stack(images)


def open_idx(path: str) -> ArraySource:
    """Open an IDX image file, plain or .gz; see `pictree.images.idx.read_idx`."""
    images = read_idx(path)
    if images.ndim == 1:
        raise SourceError(
            "an IDX file of images must have 3 or 4 dimensions",
            got=f"1 in {printable(path)!r}",
            do="This looks like labels: name the images file, and give this one as known labels",
        )
    return ArraySource(images, printable(Path(path).name), path, "idx")
