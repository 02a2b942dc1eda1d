"""Files written whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import mmap
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pictree.errors import RunError

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

LARGE_MAP = 1 << 26
"""Bytes."""

_NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_FULL_TO_POLARS = f"(os error {errno.ENOSPC})"
"""What polars' own error ends with, which is no OSError, when it writes Parquet to a full disk."""


def write_atomic(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Let ``write`` fill a temporary file beside ``path``, sync it, then rename it to ``path``.

    A reader sees the old file or the new one, never a part; a kill leaves at most a
    temporary file whose name starts with ``.tmp-``.

    Parameters
    ----------
    path : Path
        The file's final name; its folder is made when absent.
    write : callable
        Takes the open binary file and writes the content.

    Raises
    ------
    RunError
        If the disk is full, or the folder can't be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_and_rename(path, write)
    except OSError as error:
        raise storage_error(path, error) from error
    except Exception as error:
        if _FULL_TO_POLARS not in str(error):
            raise
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise storage_error(path, full) from error


def _write_and_rename(path: Path, write: Callable[[BinaryIO], None]) -> None:
    temporary = _beside(path)
    handle = os.open(temporary, _NEW, 0o666)
    try:
        with os.fdopen(handle, "wb") as file:
            try:
                write(file)
            except OSError as error:
                if error.errno is None:
                    _ask_why(file)
                raise
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _ask_why(file: BinaryIO) -> None:
    """Raise the system's error for a file of which numpy says how much was written, and not why."""
    for _ in range(2):  # the first may find a little room
        os.write(file.fileno(), bytes(1 << 16))


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``path`` to fill; at the end, rename it to ``path``.

    A reader sees no folder or the whole one. A kill leaves at most a folder whose name starts
    with ``.tmp-``.

    Parameters
    ----------
    path : Path
        The folder's final name; absent. The folder above is made when absent.

    Raises
    ------
    RunError
        If the disk is full, or the folder can't be written. Reading what goes into it must not
        raise OSError: it would pass for a fault of the folder.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = _beside(path)
        temporary.mkdir()
    except OSError as error:
        raise storage_error(path, error) from error
    try:
        yield temporary
        if hasattr(os, "sync"):  # one call: a sync for each of 70,000 files takes minutes
            os.sync()
        temporary.rename(path)
        _sync_folder(path.parent)
    except OSError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise storage_error(path, error) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed writers left below ``folder``, where nobody writes."""
    for above, folders, files in os.walk(folder):
        for name in [name for name in folders if name.startswith(".tmp-")]:
            shutil.rmtree(Path(above, name), ignore_errors=True)
            folders.remove(name)
        for name in files:
            if name.startswith(".tmp-"):
                Path(above, name).unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """Return a name that nothing has.

    What is made under it has the rights that the system gives to new files: a run folder is for
    sharing, and `tempfile` makes what the owner alone can read. To ask for the umask is to change
    it for a moment, for all threads.
    """
    return path.parent / f".tmp-{secrets.token_hex(8)}"


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows can't open a folder to sync it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def storage_error(path: Path, error: OSError) -> RunError:
    """Return the error that names a file which could not be written, and what it needs."""
    if error.errno in _DISK_FULL:
        return RunError(
            f"Writing {path} needs free disk space",
            got=f"'{error.strerror}'",
            do="Free some space and run the same command again (`pictree fit`: with --resume)",
        )
    return RunError(
        f"{path} must be writable",
        got=f"'{error.strerror or error}'",
        do="Choose another folder with -o, or mend its permissions",
    )


def move(file: Path, to: Path) -> None:
    """Rename a file, whose content is on the disk already, to ``to``; its folder is made.

    Raises
    ------
    RunError
        If the folder can't be written.
    """
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        file.replace(to)
        _sync_folder(to.parent)
    except OSError as error:
        raise storage_error(to, error) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically; see `write_atomic`."""
    write_atomic(path, lambda file: _discard(file.write(data)))


def _discard(_: object) -> None:
    return None


def write_text(path: Path, text: str) -> None:
    """Write ``text`` as UTF-8 to ``path`` atomically; see `write_atomic`."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def let_go(array: np.ndarray) -> None:
    """Give back the memory of a large memory map: its pages stay the system's, not this process's.

    Parameters
    ----------
    array : ndarray
        What `numpy.memmap` opened, whole; anything else is left alone. Read again, the pages are
        there again.
    """
    base = getattr(array, "base", None)  # an HDF5 data set has none
    if isinstance(base, mmap.mmap) and array.nbytes >= LARGE_MAP and hasattr(base, "madvise"):
        base.madvise(mmap.MADV_DONTNEED)


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON to ``path`` atomically; see `write_atomic`."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Return ``value`` as indented JSON, UTF-8."""
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as .npz atomically: the same bytes for the same arrays; see `write_atomic`."""
    import numpy as np

    write_atomic(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content as 64 hexadecimal digits."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def csv_bytes(table: pl.DataFrame) -> bytes:
    """Return a table as CSV, for people and spreadsheets."""
    buffer = io.BytesIO()
    table.write_csv(buffer)
    return buffer.getvalue()
