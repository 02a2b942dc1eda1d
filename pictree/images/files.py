"""Pictures that are files on disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pictree.images.base import Source, printable
from pictree.images.outcome import MAX_FILE_BYTES, Unusable


class FileSource(Source):
    """Files on disk.

    Parameters
    ----------
    root : Path
        What the user named.
    folder : str
        What `names` are relative to.
    names : list of str
        As the file system gives them, in order; relative to `folder`.
    faults : dict of int to Unusable
        Items known to be unreadable, such as a folder without permission.
    kind : str
        "folder" or "files".
    """

    def __init__(
        self, root: str, folder: str, names: list[str], faults: dict[int, Unusable], kind: str
    ) -> None:
        self.kind = kind
        self._faults = faults
        shown = [printable(name) for name in names]
        self._true = {i: name for i, name in enumerate(names) if name != shown[i]}
        super().__init__(printable(Path(root).name or root), printable(root), folder, shown)

    def read(self, i: int) -> bytes:
        """Return the file's bytes; see `Source.read`."""
        if i in self._faults:
            raise self._faults[i]
        return read_file(os.path.join(self.folder, self._true.get(i, self.paths[i])))  # noqa: PTH118


def open_files(files: list[str]) -> FileSource:
    """Open picture files in the order given; paths are relative to their common folder."""
    absolute = [os.path.abspath(file) for file in files]  # noqa: PTH100 - keeps symlinks
    folder = os.path.commonpath([os.path.dirname(file) for file in absolute])  # noqa: PTH120
    names = [os.path.relpath(file, folder).replace(os.sep, "/") for file in absolute]
    root = absolute[0] if len(absolute) == 1 else folder
    return FileSource(root, folder, names, {}, "files")


def read_file(path: str) -> bytes:
    """Read a regular file within the size limit.

    Raises
    ------
    Unusable
        For anything else; pipes, sockets and devices are never opened.
    """
    try:
        state = os.stat(path)  # noqa: PTH116
        if not stat.S_ISREG(state.st_mode):
            raise Unusable("not an image", "a pipe, socket or device, not a file")
        if state.st_size > MAX_FILE_BYTES:
            raise Unusable("too large", f"file above {MAX_FILE_BYTES // 2**20} MiB")
        return Path(path).read_bytes()
    except PermissionError:
        raise Unusable("unreadable", "no permission to read it") from None
    except FileNotFoundError:
        broken = os.path.islink(path)  # noqa: PTH114
        reason = "a link to nothing" if broken else "the file is gone"
        raise Unusable("unreadable", reason) from None
    except OSError as error:
        raise Unusable("unreadable", (error.strerror or "can't be read").lower()) from None
