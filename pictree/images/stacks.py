"""Stacks: each page of a TIFF with several, each frame of such a DICOM file is an image."""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from pictree.images.arrays import NumberedPaths
from pictree.images.base import PICTURE_SUFFIXES, Source, printable
from pictree.images.dicom_frames import DicomFrames, frames_of
from pictree.images.outcome import Unusable
from pictree.images.quiet import quiet

_TIFF = (".tif", ".tiff")
SUFFIXES = (*_TIFF, ".dcm")
"""Names of files that may be stacks; a DICOM file may also have a name without an ending."""


class StackSource(Source):
    """Pages of a TIFF.

    Parameters
    ----------
    path : str
    pages : int
    """

    kind = "stack"
    in_order = True

    def __init__(self, path: str, pages: int) -> None:
        root, name = os.path.abspath(path), printable(Path(path).name)  # noqa: PTH100
        self._image, self._lock = Image.open(path, formats=["TIFF"]), threading.Lock()
        super().__init__(name, printable(root), os.path.dirname(root), NumberedPaths(name, pages))  # noqa: PTH120

    def read(self, i: int) -> bytes:
        """Return page `i` as a TIFF of its own, uncompressed; see `Source.read`."""
        buffer = io.BytesIO()
        try:
            with self._lock, quiet:
                self._image.seek(i)
                self._image.save(buffer, "TIFF", compression="raw")
        except Exception as error:  # Pillow raises nearly every type there is on a broken file
            raise Unusable("unreadable", "broken page of a TIFF") from error
        return buffer.getvalue()


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
        return _open_pages if _pages_of(path) > 1 else None
    if name.endswith(PICTURE_SUFFIXES) and not name.endswith(SUFFIXES):
        return None
    return _open_frames if frames_of(path) > 1 else None


def _open_pages(path: str) -> Source:
    return StackSource(path, _pages_of(path))


def _open_frames(path: str) -> Source:
    return FrameSource(path, frames_of(path))


def _pages_of(path: str) -> int:
    try:
        with quiet, Image.open(path, formats=["TIFF"]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # what is wrong with it, decoding it tells
        return 1
