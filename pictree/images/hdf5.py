"""Images in HDF5: one data set (n, h, w[, c]), or several of one size and type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images.arrays import ArraySource, has_image_shape
from pictree.images.base import Source, printable
from pictree.images.composite import CompositeSource
from pictree.images.extras import need

SUFFIXES = (".h5", ".hdf5", ".he5", ".hdf")


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
    except (OSError, RuntimeError) as error:
        raise SourceError(
            f"{printable(path)!r} must be a whole HDF5 file",
            got="a damaged file",
            do="Write or download it again",
        ) from error
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
    name = printable(Path(path).name)
    parts: list[Source] = [Hdf5Source(found[k], f"{name}:{k}", path) for k in keys]
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


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
