"""IDX, the format of MNIST's files, read strictly.

Two zero bytes, one for the type, one for the number of dimensions, then each dimension as a
big-endian 32-bit number, then the values. (Y. LeCun, "THE MNIST DATABASE", file formats.)
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np

from pictree.errors import SourceError
from pictree.images.base import is_hidden, printable

TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_SUFFIXES = (".idx", ".idx.gz", "-ubyte", "-ubyte.gz")
_GZIP_MOST = 1100
"""gzip makes no more than some 1,032 bytes of one."""
_CHUNK = 2**24


def is_idx(path: str) -> bool:
    """Tell whether a file begins as IDX does, plain or within gzip."""
    try:
        with _open(path) as file:
            start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return len(start) == 4 and start[:2] == b"\0\0" and start[2] in TYPES and 1 <= start[3] <= 4


def images_in(folder: str) -> list[str]:
    """Find the files of images in a folder that holds IDX files alone, as MNIST is downloaded.

    Returns
    -------
    list of str
        By name; a file that is there plain and as .gz, once. The files of labels are left to
        `pictree.images.known_labels.labels_beside`. Empty for a folder with anything else in it.

    Raises
    ------
    SourceError
        If one of the files is damaged.
    """
    try:
        names = [name for name in os.listdir(folder) if not is_hidden(name)]  # noqa: PTH208
    except OSError:
        return []
    if not all(name.endswith(_SUFFIXES) and Path(folder, name).is_file() for name in names):
        return []
    once = {name.removesuffix(".gz"): name for name in sorted(names, reverse=True)}
    paths = [str(Path(folder, once[name])) for name in sorted(once)]
    return [path for path in paths if _dimensions(path) > 1]


def _dimensions(path: str) -> int:
    try:
        with _open(path) as file:
            return len(_read_start(file, path)[1])
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(path, "a damaged or shortened file") from error


def read_idx(path: str) -> np.ndarray:
    """Read an IDX file, plain (memory-mapped) or .gz.

    Parameters
    ----------
    path : str

    Returns
    -------
    ndarray
        Of 1 to 4 dimensions, in the type that the file states.

    Raises
    ------
    SourceError
        If the file is absent, is no IDX file, or is shorter or longer than it says.
    """
    try:
        with _open(path) as file:
            kind, shape = _read_start(file, path)
            if _is_gzip(path):
                return _read_values(file, kind, shape, path)
            return _map_values(path, kind, shape)
    except FileNotFoundError:
        raise _wrong(path, "no such file", "Check the path") from None
    except (OSError, EOFError, zlib.error) as error:
        raise _wrong(path, "a damaged or shortened file") from error


def _is_gzip(path: str) -> bool:
    with Path(path).open("rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _open(path: str) -> BinaryIO:
    if _is_gzip(path):
        return cast("BinaryIO", gzip.GzipFile(path))
    return Path(path).open("rb")


def _read_start(file: BinaryIO, path: str) -> tuple[np.dtype, tuple[int, ...]]:
    start = file.read(4)
    if len(start) < 4 or start[:2] != b"\0\0" or start[2] not in TYPES:
        raise _wrong(path, "another kind of file")
    if not 1 <= start[3] <= 4:
        raise _wrong(path, f"{start[3]} dimensions")
    sizes = file.read(4 * start[3])
    if len(sizes) < 4 * start[3]:
        raise _wrong(path, "a damaged or shortened file")
    shape = tuple(int(size) for size in np.frombuffer(sizes, ">u4"))
    return np.dtype(TYPES[start[2]]), shape


def _map_values(path: str, kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    start = 4 + 4 * len(shape)
    held, stated = Path(path).stat().st_size - start, math.prod(shape) * kind.itemsize
    if held != stated:
        raise _wrong(path, f"{held:,} bytes of values where its header states {stated:,}")
    if not stated:
        return _without_values(path, kind, shape)
    return np.memmap(path, kind, mode="r", offset=start, shape=shape)


def _without_values(path: str, kind: np.dtype, shape: tuple[int, ...]) -> np.ndarray:
    try:
        return np.zeros(shape, kind)
    except ValueError:  # 0 × 4,294,967,295 × 4,294,967,295
        raise _wrong(path, "dimensions that no array has") from None


def _read_values(file: BinaryIO, kind: np.dtype, shape: tuple[int, ...], path: str) -> np.ndarray:
    stated = math.prod(shape) * kind.itemsize
    if stated > _GZIP_MOST * Path(path).stat().st_size:
        raise _wrong(path, f"fewer bytes of values than the {stated:,} that its header states")
    start, held = file.tell(), 0
    while held <= stated and (chunk := file.read(min(_CHUNK, stated + 1 - held))):
        held += len(chunk)  # counted before anything is kept: a header may lie
    if held != stated:
        few = "fewer" if held < stated else "more"
        raise _wrong(path, f"{few} bytes of values than the {stated:,} that its header states")
    if not stated:
        return _without_values(path, kind, shape)
    values = np.empty(stated, np.uint8)
    file.seek(start)
    for at in range(0, stated, _CHUNK):
        part = values[at : at + _CHUNK]
        part[:] = np.frombuffer(file.read(len(part)), np.uint8)
    return values.view(kind).reshape(shape)


def _wrong(
    path: str, got: str, do: str = "Get the file again, or check that it is IDX"
) -> SourceError:
    return SourceError(f"{printable(path)!r} must be a whole IDX file", got=got, do=do)
