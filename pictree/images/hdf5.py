"""Images in HDF5: one data set (n, h, w[, c]), or several of one size and type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError, UserError
from pictree.images.arrays import ArraySource, has_image_shape
from pictree.images.base import Source, printable
from pictree.images.composite import CompositeSource
from pictree.images.extras import need
from pictree.images.outcome import MAX_PIXELS, Unusable

_MOST_TIMES = 100_000
"""No filter of HDF5 makes more bytes of one; what a file never wrote has none, and is zeros."""
_FREE = 2**26
SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf")


_FAULTS = (OSError, RuntimeError, ValueError, KeyError)


class Hdf5Source(ArraySource):
    """One data set of a file, read from disk as it is asked for.

    Parameters
    ----------
    data : h5py.Dataset
    name, path : str
    """

    def __init__(self, data: Any, name: str, path: str) -> None:
        self._file = data.file
        super().__init__(data, name, path, "hdf5")

    def read(self, i: int) -> np.ndarray:
        """Return image `i`; see `Source.read`."""
        try:
            return super().read(i)
        except _FAULTS as error:
            raise Unusable("unreadable", "damaged inside the file") from error

    def block(self, rows: range) -> np.ndarray | None:
        """Return images `rows`; None where one is damaged: each is then read by itself."""
        try:
            return super().block(rows)
        except _FAULTS:
            return None

    def labels(self, key: str) -> list[Any]:
        """Return another data set of the file; see `Source.labels`."""
        found = _datasets(self._file)
        if key not in found or found[key].ndim != 1:
            listed = ", ".join(f"{name} {data.shape}" for name, data in found.items())
            raise SourceError(
                f"{self.name!r} must hold the known labels, one for each image",
                got=f"no such {key!r}; it holds {listed}",
                do="Name one of these data sets",
            )
        values = found[key][:].tolist()
        return [v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in values]


def open_hdf5(path: str, key: str | None = None) -> Source:
    """Open an HDF5 file.

    Links to other files, and data that lies outside the file, are not followed.

    Parameters
    ----------
    path : str
    key : str, optional
        The data set's path in the file. Default: all that have the shape of images, if they
        agree in size and type.

    Raises
    ------
    SourceError
        If the file is damaged, or it is not clear which data sets are meant.
    MissingExtraError
        If h5py is absent.
    """
    h5py = need("h5py", "an HDF5 file")
    try:
        found = _datasets(h5py.File(path, "r"))
    except _FAULTS as error:
        raise _damaged(path, "a damaged file") from error
    like = [k for k, data in found.items() if _looks_like_images(data)]
    if key is None and len({(found[k].shape[1:], found[k].dtype) for k in like}) == 1:
        keys = like
    elif key is not None and key.strip("/") in found:
        keys = [key.strip("/")]
    else:
        listed = ", ".join(f"{k} {data.shape} {data.dtype}" for k, data in found.items())
        raise SourceError(
            f"{printable(path)!r} must hold the array of images",
            got=(f"no {key!r}; it holds " if key else "several or none that could be: ")
            + (listed or "nothing"),
            do=f"Name the data set, as {printable(path)}:KEY",
        )
    for k in keys:
        _refuse_lie(found[k], path)
    name = printable(Path(path).name)
    try:
        parts: list[Source] = [Hdf5Source(found[k], f"{name}:{k}", path) for k in keys]
    except _FAULTS as error:  # the range of values is found by reading them
        if isinstance(error, UserError):
            raise
        raise _damaged(path, "a damaged file") from error
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


def _refuse_lie(data: Any, path: str) -> None:
    """Refuse images that can't be in the file, or are too large, before any is read."""
    stated, stored = data.size * data.dtype.itemsize, data.id.get_storage_size()
    if stated > _FREE + _MOST_TIMES * stored:
        got = f"{stored:,} bytes of values where its header states {stated:,}"
        raise _damaged(path, got)
    if data.shape[1] * data.shape[2] > MAX_PIXELS:
        raise _damaged(path, f"images of {data.shape[2]:,} × {data.shape[1]:,} pixels")


def _damaged(path: str, got: str) -> SourceError:
    return SourceError(
        f"{printable(path)!r} must be a whole HDF5 file", got=got, do="Write or download it again"
    )


def _looks_like_images(data: Any) -> bool:
    return data.dtype.kind in "biuf" and has_image_shape(data.shape)


def _datasets(file: Any) -> dict[str, Any]:
    """Return the data sets whose values are in the file itself, by their paths, in order."""
    h5py = need("h5py", "an HDF5 file")
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:  # visititems follows hard links alone
        if isinstance(item, h5py.Dataset) and not item.is_virtual and item.external is None:
            found[name] = item

    file.visititems(note)
    return {k: v for k, v in found.items() if isinstance(v.dtype, np.dtype) and v.shape}
