"""Stacks: each page of a TIFF with several, each frame of such a DICOM file is an image."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

from pictree.images.arrays import NumberedPaths
from pictree.images.base import PICTURE_SUFFIXES, Source, printable
from pictree.images.dicom_frames import DicomFrames, frames_of
from pictree.images.guard import Guards
from pictree.images.pages import count_pages

_TIFF = (".tif", ".tiff")
SUFFIXES = (*_TIFF, ".dcm")
"""Names of files that may be stacks; a DICOM file may also have a name without an ending."""

_shared: weakref.WeakValueDictionary[int, Guards] = weakref.WeakValueDictionary()
"""By process: all its stacks share a child, whose start takes a third of a second."""


class StackSource(Source):
    """Pages of a TIFF.

    They are taken out of their file in a child process: a page is decoded by that.

    Parameters
    ----------
    path : str
    pages : int
    """

    kind = "stack"
    in_order = True

    def __init__(self, path: str, pages: int) -> None:
        root, name = os.path.abspath(path), printable(Path(path).name)  # noqa: PTH100
        self._path, self._lock = root, threading.Lock()
        self._guards = _shared.setdefault(os.getpid(), Guards())
        super().__init__(name, printable(root), os.path.dirname(root), NumberedPaths(name, pages))  # noqa: PTH120

    def read(self, i: int) -> bytes:
        """Return page `i` as a TIFF of its own, uncompressed; see `Source.read`."""
        with self._lock:
            return self._guards.page(self._path, i)


class FrameSource(Source):
    """Frames of a DICOM file.

    Parameters
    ----------
    path : str
    frames : int
    """

    kind = "stack"

    def __init__(self, path: str, frames: int) -> None:
        root, name = os.path.abspath(path), printable(Path(path).name)  # noqa: PTH100
        self._frames = DicomFrames(path)
        super().__init__(name, printable(root), os.path.dirname(root), NumberedPaths(name, frames))  # noqa: PTH120

    def read(self, i: int) -> bytes:
        """Return frame `i` as a DICOM file of its own; see `Source.read`."""
        return self._frames.file(i)


def opener_of(path: str) -> Callable[[str], Source] | None:
    """Return what opens a TIFF with several pages, or a DICOM file with several frames."""
    name = path.lower()
    if name.endswith(_TIFF):
        return _open_pages if count_pages(path) > 1 else None
    if name.endswith(PICTURE_SUFFIXES) and not name.endswith(SUFFIXES):
        return None
    return _open_frames if frames_of(path) > 1 else None


def _open_pages(path: str) -> Source:
    return StackSource(path, count_pages(path))


def _open_frames(path: str) -> Source:
    return FrameSource(path, frames_of(path))
