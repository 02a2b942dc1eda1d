"""Where images come from: a folder, a list of paths, globs, archives, arrays, or several."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images import hdf5, stacks
from pictree.images.archives import open_tar, open_zip
from pictree.images.arrays import ArraySource, open_idx, open_npy, open_npz, stack_images
from pictree.images.base import (
    ARCHIVE_SUFFIXES,
    ARRAY_SUFFIXES,
    PICTURE_SUFFIXES,
    Source,
    printable,
)
from pictree.images.composite import CompositeSource
from pictree.images.files import open_files
from pictree.images.folders import open_folder
from pictree.images.idx import is_idx
from pictree.images.parquet import open_parquet
from pictree.images.saved_dataset import is_saved_dataset, open_saved_dataset

_KEYED: dict[tuple[str, ...], Callable[[str, str], Source]] = {
    (".npz",): open_npz,
    (".parquet",): open_parquet,
    hdf5.SUFFIXES: hdf5.open_hdf5,
}
"""What opens one array or column of a file: ``FILE:KEY``."""

__all__ = ["CompositeSource", "Source", "open_source"]


def open_source(pictures: Any) -> Source:
    """Open whatever the user calls their pictures.

    Parameters
    ----------
    pictures : str, Path, ndarray, Source or list
        A folder (read with all below it; hidden files and folders, and ``__MACOSX``, are left
        out), one picture, a glob, a .txt file with one path a line, a zip or tar (.gz, .bz2,
        .xz), an IDX file (.gz), .npy, .npz, Parquet, HDF5, ``FILE:KEY`` for one array or column
        of these three, a TIFF with several pages, a data set saved by Hugging Face's
        ``save_to_disk``; an array (n, h, w[, c]); a list of equally large 2-D arrays; or a
        list of any of these, taken in that order.

    Returns
    -------
    Source

    Raises
    ------
    SourceError
        If nothing is there, or it can't be read as a whole.
    InputError
        If an array does not have the shape of images.
    """
    if isinstance(pictures, Source):
        return pictures
    if isinstance(pictures, np.ndarray):
        return ArraySource(pictures, "array")
    if isinstance(pictures, (str, os.PathLike)):
        return _open_path(os.fspath(pictures))
    pictures = list(pictures)
    if not pictures:
        raise SourceError("there must be pictures", got="an empty list", do="Name a folder")
    if all(isinstance(item, np.ndarray) and item.ndim <= 2 for item in pictures):
        return ArraySource(stack_images(pictures), "array")
    return _open_list(pictures)


def _open_list(pictures: list[Any]) -> Source:
    """Open each; plain picture files that follow one another become one source."""
    parts: list[Source] = []
    files: list[str] = []
    for item in pictures:
        if isinstance(item, (str, os.PathLike)) and _is_picture_file(os.fspath(item)):
            files.append(os.fspath(item))
            continue
        parts += _close(files)
        parts.append(open_source(item))
    parts += _close(files)
    in_memory = [part for part in parts if isinstance(part, ArraySource) and not part.root]
    for number, part in enumerate(in_memory, start=1):
        if len(in_memory) > 1:
            part.rename(f"array-{number}")
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


def _close(files: list[str]) -> list[Source]:
    group: list[Source] = [open_files(list(files))] if files else []
    files.clear()
    return group


def _is_picture_file(path: str) -> bool:
    return Path(path).is_file() and _opener(path) is None


def _open_path(path: str) -> Source:
    if Path(path).is_dir():
        return open_saved_dataset(path) if is_saved_dataset(path) else open_folder(path)
    if Path(path).exists():
        opener = _opener(path)
        return opener(path) if opener else open_files([path])
    before_key, _, key = path.rpartition(":")
    for suffixes, keyed in _KEYED.items():
        if before_key.lower().endswith(suffixes):
            return keyed(before_key, key)
    if glob.has_magic(path):
        return _open_glob(path)
    raise SourceError("the pictures must exist", got=f"{printable(path)!r}", do="Check the path")


def _open_path_list(path: str) -> Source:
    """Open the pictures that a text file names, one path a line, relative to its folder."""
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise SourceError(
            "a list of paths must be readable",
            got=f"{printable(path)} ({error.strerror})",
            do="Mend its permissions",
        ) from error
    folder = Path(path).parent
    named = [os.fsdecode(line.strip()) for line in lines if line.strip()]
    if not named:
        raise SourceError(
            "a list of paths must name at least one picture",
            got=f"no line in {printable(path)}",
            do="Write one path a line",
        )
    return open_files([os.fspath(folder / name) for name in named])


def _open_glob(pattern: str) -> Source:
    found = sorted(glob.glob(pattern, recursive=True), key=os.fsencode)  # noqa: PTH207
    if not found:
        raise SourceError(
            "a pattern must match at least one file",
            got=f"no match for {printable(pattern)!r}",
            do="Check the pattern, and put it in quotes so that the shell leaves it alone",
        )
    return _open_list(found)


def _opener(path: str) -> Callable[[str], Source] | None:
    """Return what opens a file that holds many images, by its name or its first bytes."""
    if not Path(path).is_file():  # a pipe is never opened
        return None
    name = path.lower()
    if name.endswith(".zip"):
        return open_zip
    if name.endswith(".txt"):
        return _open_path_list
    if name.endswith(ARCHIVE_SUFFIXES):
        return open_tar
    if name.endswith(".npy"):
        return open_npy
    if name.endswith(".npz"):
        return open_npz
    if name.endswith(".parquet"):
        return open_parquet
    if name.endswith(hdf5.SUFFIXES):
        return hdf5.open_hdf5
    if name.endswith(stacks.SUFFIXES) and stacks.pages_of(path) > 1:
        return stacks.open_stack
    if name.endswith(PICTURE_SUFFIXES):
        return None
    return open_idx if name.endswith(ARRAY_SUFFIXES) or is_idx(path) else None
