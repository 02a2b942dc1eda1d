"""A folder with all below it, in a stable order, whatever it holds."""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

from pictree.errors import SourceError
from pictree.images.base import (
    ARCHIVE_SUFFIXES,
    ARRAY_SUFFIXES,
    PICTURE_SUFFIXES,
    TABLE_SUFFIXES,
    printable,
)
from pictree.images.files import FileSource
from pictree.images.outcome import Unusable
from pictree.locks import LOCK_FILES

_OF_MANY = ARRAY_SUFFIXES + ARCHIVE_SUFFIXES + TABLE_SUFFIXES


def open_folder(root: str) -> FileSource:
    """List a folder's files, recursively, sorted by the bytes of their relative paths.

    Hidden files and folders (names that begin with a dot), ``__MACOSX`` and runs, whose pictures
    are drawn from others, are left out.
    Symbolic links to files and folders are followed; each real folder is listed once, under
    its own name rather than a link's, so that loops end.

    Parameters
    ----------
    root : str

    Returns
    -------
    FileSource
        A folder that can't be opened is an item, with the reason as its outcome.

    Raises
    ------
    SourceError
        If it is a run, there is no file, or array files and no picture.
    """
    top = os.path.abspath(root)  # noqa: PTH100 - keeps symlinks
    found = _list_all(top)
    if not found and os.path.lexists(os.path.join(top, LOCK_FILES[0])):  # noqa: PTH118
        raise SourceError(
            "the pictures must be those that people gave",
            got=f"{printable(root)!r}, which is a run",
            do="Name the folder that its pictures came from",
        )
    if not found:
        raise SourceError(
            "a folder of pictures must hold at least one file",
            got=f"none in {printable(root)!r}",
            do="Check the path; hidden files don't count",
        )
    found.sort(key=lambda item: os.fsencode(item[0]))
    names = [name for name, _ in found]
    refuse_arrays(names, root)
    faults = {i: fault for i, (_, fault) in enumerate(found) if fault is not None}
    return FileSource(top, top, names, faults, "folder")


def _list_all(top: str) -> list[tuple[str, Unusable | None]]:
    found: list[tuple[str, Unusable | None]] = []
    visited: set[tuple[int, int]] = set()
    links: deque[str] = deque([""])
    while links:  # real folders first, then those behind links: a folder keeps its own name
        folders = [links.popleft()]
        while folders:
            below, linked = _list_one(top, folders.pop(), visited, found)
            folders += below
            links += linked
    return found


def _list_one(
    top: str, name: str, visited: set[tuple[int, int]], found: list[tuple[str, Unusable | None]]
) -> tuple[list[str], list[str]]:
    """Add one folder's files to `found`; return its folders and its links to folders."""
    folder = os.path.join(top, name) if name else top  # noqa: PTH118
    below: list[str] = []
    linked: list[str] = []
    try:
        state = os.stat(folder)  # noqa: PTH116
        if (state.st_dev, state.st_ino) in visited:
            return [], []
        visited.add((state.st_dev, state.st_ino))
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: os.fsencode(entry.name))
            if any(entry.name == LOCK_FILES[0] for entry in entries):  # a run, perhaps just begun
                return [], []
            for entry in entries:
                if entry.name.startswith(".") or entry.name == "__MACOSX":
                    continue
                path = f"{name}/{entry.name}" if name else entry.name
                if not _is_folder(entry):
                    found.append((path, None))
                else:
                    (linked if entry.is_symlink() else below).append(path)
    except OSError as error:
        reason = f"folder can't be opened: {(error.strerror or 'unknown fault').lower()}"
        found.append((f"{name}/" if name else ".", Unusable("unreadable", reason)))
    return below, linked


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a closed folder
        return False


def refuse_arrays(names: list[str], root: str) -> None:
    """Raise `SourceError` for a folder with array files, archives or tables, and no picture."""
    if any(Path(name).suffix.lower() in PICTURE_SUFFIXES for name in names):
        return
    many = [name for name in names if name.lower().endswith(_OF_MANY)]
    if many:
        shown = ", ".join(repr(printable(name)) for name in many[:4])
        more = f" and {len(many) - 4} more" if len(many) > 4 else ""
        raise SourceError(
            "a folder of pictures must hold picture files",
            got=f"array files or archives in {printable(root)!r}: {shown}{more}",
            do=f"Name one or more of those files, such as {printable(f'{root}/{many[0]}')!r}",
        )
