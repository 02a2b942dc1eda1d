"""Pictures inside zip and tar files, read by their index; nothing is written to disk."""

from __future__ import annotations

import io
import os
import tarfile
import threading
import zipfile
import zlib
from contextlib import ExitStack
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import Any

from pictree.errors import SourceError
from pictree.images.base import ARCHIVE_SUFFIXES, Source, is_hidden, printable
from pictree.images.outcome import MAX_FILE_BYTES, Unusable
from pictree.images.webdataset import key_of, split_samples

_FAULTS = (
    *(OSError, EOFError, ValueError, NotImplementedError, RuntimeError, zlib.error, LZMAError),
    MemoryError,  # a header of LZMA may ask for 4 GB
)
_LONGEST_NAME = 2**16
"""Bytes of what a tar says of a member beside its content: its long name, and what else is new."""
_SAYINGS = (
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
)


class _Member(tarfile.TarInfo):
    """A member whose name is read into memory only if it is no bomb."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Member:
        found = super().frombuf(buf, encoding, errors)
        if found.type in _SAYINGS and found.size > _LONGEST_NAME:
            raise tarfile.ReadError(f"a name of {found.size} bytes")
        return found

    def _proc_gnusparse_10(self, *_: object) -> None:
        """Refuse a file with holes, whose list of them may be as long as it likes."""
        raise tarfile.ReadError("a list of holes")


class ZipSource(Source):
    """Members of a zip file.

    Parameters
    ----------
    file : zipfile.ZipFile
        Open; kept open.
    path : str
    """

    kind = "zip"

    def __init__(self, file: zipfile.ZipFile, path: str) -> None:
        self._file = file
        every = [(entry.filename or "(no name)", entry) for entry in file.infolist()]
        members = [(name, entry) for name, entry in every if not name.endswith("/")]
        self._members = _in_order(members)
        super().__init__(*_names(path), [name for name, _ in self._members])

    def read(self, i: int) -> bytes:
        """Return the member's bytes; see `Source.read`."""
        name, entry = self._members[i]
        refuse_member(name, entry.file_size)
        if (entry.external_attr >> 28) == 0xA:  # Unix file type: symbolic link
            raise Unusable("refused", "a link inside an archive")
        if entry.flag_bits & 1:
            raise Unusable("unreadable", "encrypted")
        try:
            # Told how much to read: else a member that states less than it holds is all unpacked.
            with self._file.open(entry) as stream:
                return stream.read(entry.file_size)
        except (*_FAULTS, zipfile.BadZipFile) as error:
            raise Unusable("unreadable", "damaged inside the archive") from error


class TarSource(Source):
    """Members of a tar file.

    Parameters
    ----------
    file : tarfile.TarFile
        Open; kept open.
    path : str
    compressed : bool
        Then members are best read in order: going back means decompressing from the start.
    """

    kind = "tar"

    def __init__(self, file: tarfile.TarFile, path: str, compressed: bool) -> None:
        self._file, self._lock, self.in_order = file, threading.Lock(), compressed
        members, cut_short = _list_tar(file)
        shown: list[tuple[str, Any]] = [
            (name, member) for name, member in members if not is_hidden(name)
        ]
        shown, self._said = split_samples(shown)
        if cut_short:
            shown.append(("(rest of the archive)", None))
        self._members = shown  # the archive's own order: sorting would make reading jump
        super().__init__(*_names(path), [printable(name) for name, _ in shown])

    def read(self, i: int) -> bytes:
        """Return the member's bytes; see `Source.read`."""
        name, member = self._members[i]
        if member is None:
            raise Unusable("unreadable", "the archive is cut short")
        return self._bytes(name, member)

    def labels(self, key: str) -> list[Any] | None:
        """Return what WebDataset's ``.cls`` files (or others of a suffix) say of each picture."""
        members = self._said.get(key.lower().lstrip("."))
        if members is None:
            return None
        found = [members.get(key_of(name)) for name, _ in self._members]
        return [None if m is None else self._text(m) for m in found]

    def _text(self, member: tarfile.TarInfo) -> str | None:
        try:
            return self._bytes(member.name, member).decode("utf-8", "replace").strip() or None
        except Unusable:
            return None

    def _bytes(self, name: str, member: tarfile.TarInfo) -> bytes:
        refuse_member(name, member.size)
        if member.issym() or member.islnk():
            raise Unusable("refused", "a link inside an archive")
        if not member.isreg():
            raise Unusable("not an image", "a pipe or device, not a file")
        try:
            with self._lock:
                stream = self._file.extractfile(member)
                raw = stream.read() if stream else b""
        except (*_FAULTS, tarfile.TarError) as error:
            raise Unusable("unreadable", "damaged inside the archive") from error
        if len(raw) < member.size:
            raise Unusable("unreadable", "the archive is cut short")
        return raw


def open_zip(path: str) -> ZipSource:
    """Open a zip file.

    Raises
    ------
    SourceError
        If it is damaged or has no files.
    """
    try:
        source = ZipSource(zipfile.ZipFile(path), path)
    except (*_FAULTS, zipfile.BadZipFile) as error:
        raise _damaged("zip", path, error) from error
    return _not_empty(source, path)


def open_tar(path: str) -> TarSource:
    """Open a tar file, plain or compressed with gzip, bzip2 or xz.

    Raises
    ------
    SourceError
        If it is damaged from the start or has no files.
    """
    with ExitStack() as opened:
        try:
            file = opened.enter_context(tarfile.open(path, "r:*", tarinfo=_Member))
            compressed = not isinstance(file.fileobj, io.BufferedReader)
            source = TarSource(file, path, compressed)
        except (*_FAULTS, tarfile.TarError) as error:
            raise _damaged("tar", path, error) from error
        found = _not_empty(source, path)
        opened.pop_all()  # kept open by the source
    return found


def refuse_member(name: str, size: int) -> None:
    """Refuse what no honest archive of pictures has.

    Raises
    ------
    Unusable
        For a name that leads outside, an archive in the archive, or a size above the limit.
    """
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if ".." in parts or name.startswith(("/", "\\")) or name[1:2] == ":":
        raise Unusable("refused", "a name that leads outside the archive")
    if name.lower().endswith(ARCHIVE_SUFFIXES):
        raise Unusable("not an image", "an archive inside an archive")
    if size > MAX_FILE_BYTES:
        raise Unusable("too large", f"file above {MAX_FILE_BYTES // 2**20} MiB")


def _names(path: str) -> tuple[str, str, str]:
    absolute = os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
    return printable(Path(path).name), printable(absolute), absolute


def _in_order(members: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    shown = [(printable(name), entry) for name, entry in members if not is_hidden(name)]
    return sorted(shown, key=lambda item: item[0].encode())


def _list_tar(file: tarfile.TarFile) -> tuple[list[tuple[str, tarfile.TarInfo]], bool]:
    members: list[tuple[str, tarfile.TarInfo]] = []
    try:
        while (member := file.next()) is not None:
            if not member.isdir():
                members.append((member.name, member))
    except (*_FAULTS, tarfile.TarError):
        if not members:
            raise
        return members, True
    return members, False


def _damaged(kind: str, path: str, error: Exception) -> SourceError:
    if isinstance(error, PermissionError):
        return SourceError(
            f"{printable(path)!r} must be readable",
            got=f"'{error.strerror}'",
            do="Mend its permissions",
        )
    return SourceError(
        f"{printable(path)!r} must be a whole {kind} file",
        got="a damaged file",
        do="Pack it again, or name the unpacked folder",
    )


def _not_empty(source: Any, path: str) -> Any:
    if len(source):
        return source
    raise SourceError(
        "an archive of pictures must hold at least one file",
        got=f"none in {printable(path)!r}",
        do="Check the path; hidden files don't count",
    )
