"""One process at a time in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock

from pictree.errors import RunError
from pictree.files import storage_error, write_text

LOCK_FILES = ("run.lock", "run.owner")


@contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Hold a folder for this process; the operating system frees it however the process ends.

    Parameters
    ----------
    folder : Path
        Made when absent.

    Raises
    ------
    RunError
        If another process holds it, or it can't be written.
    """
    lock = filelock.FileLock(folder / LOCK_FILES[0], timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        raise RunError(
            "Only one process may write a run",
            got=f"{folder}, in use by {_owner(folder)}",
            do="Wait until it has ended, or choose another folder with -o",
        ) from None
    except OSError as error:
        raise storage_error(folder, error) from error
    try:
        write_text(folder / LOCK_FILES[1], f"process {os.getpid()}")
        yield
    finally:
        with suppress(OSError):  # it names nobody once the lock is free
            (folder / LOCK_FILES[1]).unlink()
        lock.release()


def _owner(folder: Path) -> str:
    try:
        return (folder / LOCK_FILES[1]).read_text(encoding="utf-8")
    except OSError:
        return "another process"
