"""Addresses such as ``s3://bucket/folder``, opened by fsspec: listed and read, and never written.

fsspec's own packages know the services: s3fs for s3://, gcsfs for gs://, adlfs for abfs://.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pictree.errors import MissingExtraError, SourceError
from pictree.images.base import printable
from pictree.images.extras import need
from pictree.images.outcome import MAX_FILE_BYTES, Unusable

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_PASSWORD = re.compile(r"://[^/@]*:[^/@]*@")
_EXTRAS = {"s3": "cloud", "s3a": "cloud", "gs": "gcs", "gcs": "gcs"}
_MOST_SAID = 200


def is_address(path: str) -> bool:
    """Tell whether this begins as ``s3://`` does."""
    return bool(_ADDRESS.match(path))


class Place:
    """What an address stands for.

    Parameters
    ----------
    address : str

    Attributes
    ----------
    address : str
        Without a slash at its end.
    files : fsspec's file system
    path : str
        What it calls the address.

    Raises
    ------
    MissingExtraError
        If fsspec, or what it needs for this protocol, is absent.
    SourceError
        If the address holds a password, which run.json would keep, or names no folder, or nobody
        knows its protocol.
    """

    def __init__(self, address: str) -> None:
        if address.endswith("://"):
            raise absent(address)
        self.address = address.rstrip("/")
        self._protocol = address.partition("://")[0].lower()
        if _PASSWORD.search(address):
            raise SourceError(
                "an address must not hold a password, which the run would keep",
                got=repr(_PASSWORD.sub("://…@", printable(address))),
                do="Set it as the service's own tools have it",
            )
        self.files, self.path = self._open()

    def _open(self) -> tuple[Any, str]:
        fsspec = need("fsspec.core", f"{self._protocol}://")
        try:
            files, path = fsspec.url_to_fs(self.address)
        except ImportError as error:
            extra = _EXTRAS.get(self._protocol)
            raise MissingExtraError(
                f"{self._protocol}:// needs the package that fsspec opens it with",
                got=first_line(error),
                do="Run pip install " + (f"'pictree[{extra}]'" if extra else "it"),
            ) from error
        except Exception as error:  # each service's package has its own
            raise self._unreadable(error) from error
        _quieten(type(files).__module__)
        return files, path

    def kind(self) -> str:
        """Return "file", "folder" or "" for nothing.

        Raises
        ------
        SourceError
            If that can't be told.
        """
        try:
            self.files.invalidate_cache()
            found = self.files.info(self.path)["type"]
        except FileNotFoundError:
            return ""
        except Exception as error:
            raise self._unreadable(error) from error
        return "file" if found == "file" else "folder"

    def below(self) -> dict[str, int]:
        """List all that is below a folder.

        Returns
        -------
        dict of str to int
            Name, relative to the folder, to size in bytes; 0 where that is not told.
        """
        return self._sizes(lambda: self.files.find(self.path, detail=True))

    def matching(self) -> dict[str, int]:
        """Return what an address with ``*``, ``?`` or ``[`` matches, whole addresses to sizes."""
        found = self._sizes(lambda: self.files.glob(self.path, detail=True), relative=False)
        return {self._whole(name): size for name, size in found.items()}

    def _whole(self, name: str) -> str:
        return name if is_address(name) else f"{self._protocol}://{name.lstrip('/')}"

    def _sizes(self, look: Any, relative: bool = True) -> dict[str, int]:
        try:
            self.files.invalidate_cache()
            found = look()
            self.files.invalidate_cache()  # it would hold all of this once more
        except Exception as error:
            raise self._unreadable(error) from error
        start = self.path.rstrip("/") + "/" if relative else ""
        return {
            name.removeprefix(start): int(about.get("size") or 0)
            for name, about in found.items()
            if about["type"] == "file" and not name.endswith("/")
        }

    def read(self, name: str = "") -> bytes:
        """Return an object's bytes.

        Parameters
        ----------
        name : str
            In this folder; "" for what the address itself stands for.

        Raises
        ------
        Unusable
            If this one can't be read.
        SourceError
            If nothing of the folder can be read any more.
        """
        try:
            raw = self.files.cat_file(f"{self.path.rstrip('/')}/{name}" if name else self.path)
        except FileNotFoundError:
            raise Unusable("unreadable", "the file is gone") from None
        except Exception as error:
            self._refuse_if_away(error)
            is_closed = isinstance(error, PermissionError)
            reason = "no permission to read it" if is_closed else f"not sent: {first_line(error)}"
            raise Unusable("unreadable", reason) from None
        refuse_large(len(raw))
        return raw

    def _refuse_if_away(self, error: Exception) -> None:
        """Raise where the fault is not one object's, but the network's or the service's."""
        try:
            self.files.info(self.path)
        except FileNotFoundError:
            return
        except Exception:
            raise SourceError(
                f"{self.address!r} must stay readable until all pictures are read",
                got=f"'{first_line(error)}'",
                do="Repeat the command when it can be reached; a fit goes on with --resume",
            ) from error

    def fetch(self) -> Copy:
        """Copy a file that holds many images to this machine's folder for temporary files.

        Raises
        ------
        SourceError
            If it can't be read, or there is no room for it.
        """
        holder = TemporaryDirectory(prefix="pictree-")
        file = Path(holder.name, self.address.rpartition("/")[2])
        try:
            size = int(self.files.info(self.path).get("size") or 0)
            free = shutil.disk_usage(holder.name).free
            if size < free:
                self.files.get_file(self.path, str(file))
                return Copy(str(file), self.address, holder)
        except Exception as error:
            raise self._unreadable(error) from error
        raise SourceError(
            f"there must be room in {holder.name} for a copy of {self.address!r}",
            got=f"{size:,} bytes, and {free:,} free",
            do="Make room, or set TMPDIR to a folder that has it",
        )

    def _unreadable(self, error: Exception) -> SourceError:
        if isinstance(error, FileNotFoundError):
            return absent(self.address)
        return SourceError(
            f"{self.address!r} must be readable from this machine",
            got=f"'{first_line(error)}'",
            do="Check the address, the network, and the credentials as the service's own tools "
            "have them",
        )


class Copy:
    """A copy on this machine, which is removed with this object.

    Attributes
    ----------
    path : str
    address : str
        What it is a copy of.
    """

    def __init__(self, path: str, address: str, holder: TemporaryDirectory[str]) -> None:
        self.path, self.address, self._holder = path, address, holder


def read_object(address: str) -> bytes:
    """Return one object's bytes; see `Place.read`.

    Raises
    ------
    Unusable
        Also where nothing can be read there at all.
    """
    try:
        return Place(address).read()
    except SourceError as error:
        raise Unusable("unreadable", str(error)) from error


def refuse_large(size: int) -> None:
    """Raise `Unusable` for a size above the limit of one file."""
    if size > MAX_FILE_BYTES:
        raise Unusable("too large", f"file above {MAX_FILE_BYTES // 2**20} MiB")


def absent(address: str) -> SourceError:
    """Return the error of an address at which there is nothing."""
    return SourceError("the pictures must exist", got=repr(printable(address)), do="Check the path")


def common_address(folders: Sequence[str]) -> str:
    """Return the address that all of these begin with, at a slash; "" where there is none."""
    parts = [folder.split("/") for folder in folders]
    shared = []
    for level in zip(*parts, strict=False):
        if len(set(level)) > 1:
            break
        shared.append(level[0])
    return "/".join(shared) if len(shared) > 2 else ""


def _quieten(module: str) -> None:
    """Keep what a service's package logs off the terminal, unless somebody asks for it.

    gcsfs logs each failed request with its traceback, and raises the error too.
    """
    logging.getLogger(module.partition(".")[0]).addHandler(logging.NullHandler())


def first_line(error: Exception) -> str:
    """Return what to tell of an error of a service's package."""
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return printable(text)[:_MOST_SAID].rstrip(". ")
