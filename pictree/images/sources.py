"""Where images come from: a folder, a list of paths, globs, archives, arrays, or several."""

from __future__ import annotations

import glob
import os
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images import hdf5, stacks
from pictree.images.addresses import Place, absent, is_address
from pictree.images.archives import open_tar, open_zip
from pictree.images.arrays import ArraySource, open_idx, stack_images
from pictree.images.base import (
    ARCHIVE_SUFFIXES,
    ARRAY_SUFFIXES,
    PICTURE_SUFFIXES,
    Source,
    is_hidden,
    printable,
)
from pictree.images.composite import CompositeSource
from pictree.images.files import open_files
from pictree.images.folders import open_folder
from pictree.images.idx import images_in, is_idx
from pictree.images.numpy_files import open_npy, open_npz
from pictree.images.objects import from_copy, open_objects, open_some_objects
from pictree.images.packed import is_pack, open_pack
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
        A folder (read with all below it; hidden files and folders, ``__MACOSX`` and runs are
        left out), a folder of IDX files, one picture, a glob, a .txt file with one path a line,
        a zip or tar (.gz, .bz2, .xz), an IDX file (.gz), .npy, .npz, Parquet, HDF5,
        ``FILE:KEY`` for one array or column of these three, a TIFF with several pages, a DICOM
        file with several frames, a data set saved by Hugging Face's ``save_to_disk``, a folder
        that `pictree pack` wrote; an address such as ``s3://bucket/folder`` or
        ``gs://bucket/file.tar`` of any of these but the second and the last two, by fsspec; an
        array (n, h, w[, c]); a list of equally large 2-D arrays; or a list of any of these, taken
        in that order.

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
    for where, items in groupby(pictures, key=_where_plain):
        if where is None:
            parts += map(open_source, items)
        elif where:
            parts.append(open_some_objects(list(items)))
        else:
            parts.append(open_files([os.fspath(item) for item in items]))
    in_memory = [part for part in parts if isinstance(part, ArraySource) and not part.root]
    for number, part in enumerate(in_memory, start=1):
        if len(in_memory) > 1:
            part.rename(f"array-{number}")
    return parts[0] if len(parts) == 1 else CompositeSource(parts)


def _where_plain(item: Any) -> str | None:
    """Return "" for a picture file, its bucket for such an object; None for anything else."""
    if not isinstance(item, (str, os.PathLike)):
        return None
    path = os.fspath(item)
    if is_address(path):
        return "/".join(path.split("/")[:3]) if path.lower().endswith(PICTURE_SUFFIXES) else None
    return "" if _is_picture_file(path) else None


def _is_picture_file(path: str) -> bool:
    return Path(path).is_file() and _opener(path) is None


def _open_path(path: str) -> Source:
    if is_address(path):
        return _open_address(path)
    if Path(path).is_dir():
        return _open_folder(path)
    if Path(path).exists():
        opener = _opener(path)
        return opener(path) if opener else open_files([path])
    if keyed := _keyed(path):
        open_key, file, key = keyed
        return open_key(file, key)
    if glob.has_magic(path):
        return _open_glob(path)
    raise SourceError("the pictures must exist", got=f"{printable(path)!r}", do="Check the path")


def _open_folder(path: str) -> Source:
    if is_pack(path):
        return open_pack(path)
    if is_saved_dataset(path):
        return open_saved_dataset(path)
    arrays = images_in(path)
    return _open_list(arrays) if arrays else open_folder(path)


def _keyed(path: str) -> tuple[Callable[[str, str], Source], str, str] | None:
    """Part ``FILE:KEY``; None for another path."""
    before_key, _, key = path.rpartition(":")
    for suffixes, keyed in _KEYED.items():
        if before_key.lower().endswith(suffixes):
            return keyed, before_key, key
    return None


def _open_address(address: str) -> Source:
    place = Place(address)
    kind = place.kind()
    if kind == "folder":
        return open_objects(place)
    if kind == "file":
        return _open_object(address)
    if keyed := _keyed(address):
        open_key, file, key = keyed
        copy = Place(file).fetch()
        return from_copy(copy, lambda: open_key(copy.path, key))
    if glob.has_magic(address):
        found = [one for one in place.matching() if is_hidden(address) or not is_hidden(one)]
        if found:
            return _open_list(sorted(found, key=str.encode))
    raise absent(address)


def _open_object(address: str) -> Source:
    """Open one object; what may hold many images is fetched first, to see."""
    lower = address.lower()
    if lower.endswith(PICTURE_SUFFIXES) and not lower.endswith(stacks.SUFFIXES):
        return open_some_objects([address])
    copy = Place(address).fetch()
    if lower.endswith(".txt"):
        return _open_path_list(copy.path, address.rpartition("/")[0])
    opener = _opener(copy.path)
    return from_copy(copy, lambda: opener(copy.path)) if opener else open_some_objects([address])


def _open_path_list(path: str, folder: str = "") -> Source:
    """Open the pictures that a text file names, one path a line, relative to its folder."""
    folder = folder or os.fspath(Path(path).parent)
    try:
        lines = Path(path).read_bytes().splitlines()
    except OSError as error:
        raise SourceError(
            "a list of paths must be readable",
            got=f"{printable(path)} ({error.strerror})",
            do="Mend its permissions",
        ) from error
    named = [os.fsdecode(line.strip()) for line in lines if line.strip()]
    if not named:
        raise SourceError(
            "a list of paths must name at least one picture",
            got=f"no line in {printable(path)}",
            do="Write one path a line",
        )
    files = [name if is_address(name) else os.path.join(folder, name) for name in named]  # noqa: PTH118
    return _open_list(files) if any(map(is_address, files)) else open_files(files)


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
    if stack := stacks.opener_of(path):
        return stack
    if name.endswith(PICTURE_SUFFIXES):
        return None
    return open_idx if name.endswith(ARRAY_SUFFIXES) or is_idx(path) else None
