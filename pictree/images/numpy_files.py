"""NumPy's files, .npy and .npz, read strictly; objects are never unpickled."""

from __future__ import annotations

import math
import os
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from pictree.errors import SourceError
from pictree.images.arrays import ArraySource, has_image_shape
from pictree.images.base import Source, printable
from pictree.images.composite import CompositeSource

_CHUNK = 2**22
_LONGEST_HEADER = 2**20
_DEFLATE_MOST = 1100
"""Deflate makes no more than some 1,032 bytes of one."""


def open_npy(path: str) -> ArraySource:
    """Open a .npy file, memory-mapped."""
    try:
        refuse_long_header(path)
        images = np.load(path, mmap_mode="r", allow_pickle=False)
    except Exception as error:  # NumPy's header reader raises even tokenize's errors
        raise _damaged("npy", path) from error
    if not isinstance(images, np.ndarray):
        raise _damaged("npy", path)
    return ArraySource(images, printable(Path(path).name), path, "npy")


def refuse_long_header(path: str | Path) -> None:
    """Raise ValueError for a .npy file whose header is stated to be longer than the file.

    NumPy takes the memory for it first, up to 4 GB.
    """
    with Path(path).open("rb") as file:
        start, size = file.read(12), os.fstat(file.fileno()).st_size
    has_long = start[:6] == np.lib.format.MAGIC_PREFIX and start[6:7] != b"\1"
    if has_long and int.from_bytes(start[8:], "little") > size:
        raise ValueError("the header is longer than the file")


def open_npz(path: str, key: str | None = None) -> Source:
    """Open the images of a .npz file.

    Parameters
    ----------
    path : str
    key : str, optional
        Which array. Default: all arrays that have the shape of images, in the file's order,
        if they agree in size and type; so `x_train` and `x_test` are taken together.

    Raises
    ------
    SourceError
        If the file is damaged, or it is not clear which arrays are meant.
    """
    arrays = npz_arrays(path)
    like_images = [k for k, (shape, kind) in arrays.items() if _looks_like_images(shape, kind)]
    if key is None and len({(arrays[k][0][1:], arrays[k][1]) for k in like_images}) == 1:
        keys = like_images
    elif key in arrays:
        keys = [key]
    else:
        listed = ", ".join(f"{k} {shape} {kind}" for k, (shape, kind) in arrays.items())
        raise SourceError(
            f"{printable(path)!r} must hold the array of images",
            got=(f"no {key!r}; it holds " if key else "several or none that could be: ")
            + (listed or "nothing"),
            do=f"Name the array, as {printable(path)}:KEY",
        )
    parts = [_npz_part(path, k) for k in keys]
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


def _npz_part(path: str, key: str) -> Source:
    return ArraySource(read_npz(path, key), f"{printable(Path(path).name)}:{key}", path, "npz")


def _looks_like_images(shape: tuple[int, ...], kind: np.dtype) -> bool:
    return kind.kind in "biuf" and has_image_shape(shape)


def npz_arrays(path: str) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """List the shape and type of each array of a .npz file without reading the arrays.

    Raises
    ------
    SourceError
        If the file is absent or damaged.
    """
    try:
        with zipfile.ZipFile(path) as file:
            names = [name for name in file.namelist() if name.endswith(".npy")]
            return {name[:-4]: _npy_header(file, name) for name in names}
    except FileNotFoundError:
        raise SourceError(
            "the pictures must exist", got=repr(printable(path)), do="Check the path"
        ) from None
    except Exception as error:  # zipfile and NumPy's header reader have no common error
        raise _damaged("npz", path) from error


def _npy_header(file: zipfile.ZipFile, name: str) -> tuple[tuple[int, ...], np.dtype]:
    with file.open(name) as stream:
        return _read_npy_header(stream)


def _read_npy_header(stream: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(stream)
    reader = (
        np.lib.format.read_array_header_1_0
        if version == (1, 0)
        else np.lib.format.read_array_header_2_0
    )
    shape, _, kind = reader(_Short(stream))  # type: ignore[arg-type]
    return shape, kind


class _Short:
    """The start of a stream: NumPy reads a header whole, and then looks how long it is."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._left = stream, _LONGEST_HEADER

    def read(self, size: int) -> bytes:
        self._left -= size
        if self._left < 0:
            raise ValueError("a header longer than any array's")
        return self._stream.read(size)


def read_npz(path: str, key: str) -> np.ndarray:
    """Read one array of a .npz file; objects are never unpickled.

    Raises
    ------
    SourceError
        If it is damaged or holds objects.
    """
    try:
        with zipfile.ZipFile(path) as file:
            _refuse_lie(file, f"{key}.npy", Path(path).stat().st_size)
            with file.open(f"{key}.npy") as stream:
                return np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # zlib, zipfile, NumPy and memory each have their own
        raise _damaged("npz", f"{path}:{key}") from error


def _refuse_lie(file: zipfile.ZipFile, name: str, size: int) -> None:
    """Raise ValueError for an array whose header states more than is there; nothing is kept."""
    with file.open(name) as stream:
        shape, kind = _read_npy_header(stream)
        stated, held = math.prod(shape) * kind.itemsize, 0
        if stated > _DEFLATE_MOST * size:
            raise ValueError(f"{stated} bytes of values stated")
        while chunk := stream.read(_CHUNK):
            held += len(chunk)
    if held != stated:
        raise ValueError(f"{held} bytes of values, {stated} stated")


def _damaged(kind: str, path: str) -> SourceError:
    return SourceError(
        f"a .{kind} file must be whole and hold plain numbers",
        got=f"a damaged file, or Python objects, in {printable(path)!r}",
        do="Save it again with numpy.save or numpy.savez, without dtype=object",
    )
