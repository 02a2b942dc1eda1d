"""Files below an address, such as ``s3://bucket/run``: each is put there whole, or not at all."""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pictree.errors import InputError, RunError
from pictree.files import storage_error
from pictree.images.addresses import Place, first_line
from pictree.images.base import printable
from pictree.images.objects import AT_ONCE

_ADDRESS = re.compile(r"[A-Za-z][\w+.-]+:/+")
_LOCAL = ("file", "local")
_Done = TypeVar("_Done")


def address_of(path: object) -> str | None:
    """Return an address as such, also one that was made a path; None for a path of a disk.

    Raises
    ------
    InputError
        If the address names no folder, or one of this machine.
    """
    begins = _ADDRESS.match(text := str(path))
    if begins is None:
        return None
    protocol, rest = begins[0].partition(":")[0], text[begins.end() :].strip("/")
    if protocol.lower() in _LOCAL or not rest:
        raise InputError(
            "a run must be a folder on a disk, or an address in a store of objects",
            got=printable(text),
            do="Pass the folder itself, or an address such as s3://bucket/run",
        )
    return f"{protocol}://{rest}"


class Shelf:
    """A folder at an address, written to and read from.

    Parameters
    ----------
    address : str
        See `address_of`.

    Attributes
    ----------
    address : str

    Raises
    ------
    MissingExtraError, SourceError
        See `pictree.images.addresses.Place`.
    """

    def __init__(self, address: str) -> None:
        place = Place(address)
        self.address, self._files, self._path = place.address, place.files, place.path.rstrip("/")

    def names(self, below: str = "") -> list[str]:
        """Return the names of all files here, or of those below a folder, sorted."""
        start = f"{self._path}/"
        try:
            self._files.invalidate_cache()
            found = self._files.find(f"{start}{below}".rstrip("/"))
        except FileNotFoundError:
            return []
        except Exception as error:  # each service's package has its own
            raise self._unreadable(error) from error
        names = (path.removeprefix(start) for path in found if path.startswith(start))
        return sorted(name for name in names if name and not name.endswith("/"))

    def read(self, name: str) -> bytes | None:
        """Return a file's content; None where there is none."""
        try:
            return self._files.cat_file(self._at(name))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise self._unreadable(error) from error

    def get(self, name: str, file: Path) -> bool:
        """Copy a file to one on the disk; return whether there is one."""
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._files.get_file(self._at(name), str(file))
        except FileNotFoundError:
            return False
        except Exception as error:
            if isinstance(error, OSError) and _is_of_disk(error):
                raise storage_error(file, error) from error
            raise self._unreadable(error) from error
        return True

    def write(self, name: str, raw: bytes) -> None:
        """Put a file of these bytes."""
        self._change(lambda: self._files.pipe_file(self._at(name), raw))

    def create(self, name: str, raw: bytes) -> bool:
        """Put a file of these bytes where there is none; return whether that was so.

        A store that can't do both in one overwrites it.
        """
        made = [True]

        def one() -> None:
            try:
                self._files.pipe_file(self._at(name), raw, mode="create")
            except Exception:  # each service's package has its own
                made[0] = False
                self._files.invalidate_cache()
                if not self._files.exists(self._at(name)):
                    raise

        self._change(one)
        return made[0]

    def put(self, files: Mapping[str, Path]) -> None:
        """Put files under these names."""

        def one(item: tuple[str, Path]) -> None:
            self._change(lambda: self._files.put_file(str(item[1]), self._at(item[0])))

        each(one, files.items())

    def copy(self, name: str, to: str) -> None:
        """Copy a file there under another name."""
        self._change(lambda: self._files.cp_file(self._at(name), self._at(to)))

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""

        def removed() -> None:
            if self._files.exists(self._at(name)):
                self._files.rm_file(self._at(name))

        self._change(removed)

    def _at(self, name: str) -> str:
        return f"{self._path}/{name}"

    def _change(self, change: Callable[[], Any]) -> None:
        try:
            self._files.invalidate_cache()
            change()
        except Exception as error:
            raise RunError(
                f"{self.address!r} must be writable from this machine",
                got=f"'{first_line(error)}'",
                do="Check the bucket, the rights, the room there and the network, then run the "
                "same command again (`pictree fit`: with --resume)",
            ) from error

    def _unreadable(self, error: Exception) -> RunError:
        return RunError(
            f"{self.address!r} must be readable from this machine",
            got=f"'{first_line(error)}'",
            do="Check the address, the network, and the credentials as the service's own tools "
            "have them",
        )


def _is_of_disk(error: OSError) -> bool:
    """Tell a fault of this machine's disk from one of the store, which names no file."""
    return error.filename is not None or error.errno in (errno.ENOSPC, errno.EDQUOT)


def each(do: Callable[[Any], _Done], items: Iterable[Any]) -> list[_Done]:
    """Do some at a time, each of which waits for the network; the first error is raised."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures = [pool.submit(do, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:  # after an error nobody waits for the others
            for future in futures:
                future.cancel()
