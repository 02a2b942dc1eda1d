"""DICOM files of several frames: each frame as a file of its own, none of them decoded."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from pictree.images.dicom import HEAD, is_dicom, with_own_values
from pictree.images.extras import need
from pictree.images.outcome import Unusable

_KEYS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_OF_ALL = (
    *("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"),
    *("ExtendedOffsetTable", "ExtendedOffsetTableLengths"),
)
"""What a file of one frame has no use for."""


def frames_of(path: str) -> int:
    """Return how many frames a file has; 1 where it is no DICOM file, or it can't be told."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            if not is_dicom(file.read(HEAD)):
                return 1
        only = ["NumberOfFrames"]
        return int(_read(path, specific_tags=only, stop_before_pixels=True).NumberOfFrames)
    except Exception:  # what is wrong with it, decoding it tells
        return 1


class DicomFrames:
    """The frames of one file, which is held in memory.

    Parameters
    ----------
    path : str
    """

    def __init__(self, path: str) -> None:
        self._data = _read(path)

    def file(self, frame: int) -> bytes:
        """Return a frame as a DICOM file of its own.

        Raises
        ------
        Unusable
            If it can't be taken out.
        """
        buffer = io.BytesIO()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                need("pydicom", "a DICOM file").dcmwrite(buffer, self._one(frame))
        except Exception as error:  # pydicom raises nearly every type there is on a broken file
            raise Unusable("unreadable", "broken frame of a DICOM file") from error
        return buffer.getvalue()

    def _one(self, frame: int) -> Any:
        one = need("pydicom.dataset", "a DICOM file").Dataset()
        one.update(self._data)
        one.preamble, one.file_meta = self._data.preamble, self._data.file_meta
        with_own_values(one, frame)
        for name in _OF_ALL:
            if name in one:
                delattr(one, name)
        key = next(key for key in _KEYS if key in one)
        element = one[key]
        part = type(element)(element.tag, element.VR, self._pixels(key, frame))
        part.is_undefined_length = element.is_undefined_length
        one[key] = part
        one.add_new("NumberOfFrames", "IS", 1)  # not assigned: elements are shared with the whole
        return one

    def _pixels(self, key: str, frame: int) -> bytes:
        """Return the bytes of a frame, as they are in the file."""
        whole, count = self._data[key].value, int(self._data.NumberOfFrames)
        if self._data.file_meta.TransferSyntaxUID.is_compressed:
            encaps = need("pydicom.encaps", "a DICOM file")
            return encaps.encapsulate([encaps.get_frame(whole, frame, number_of_frames=count)])
        if int(self._data.BitsAllocated) == 1:
            return _bits(whole, frame, int(self._data.Rows) * int(self._data.Columns))
        size = need("pydicom.pixels.utils", "a DICOM file").get_expected_length(self._data) // count
        return _even(whole[frame * size : (frame + 1) * size])


def _bits(whole: bytes, frame: int, size: int) -> bytes:
    """Return a frame of one bit a pixel; frames follow each other without a gap."""
    first, end = frame * size, (frame + 1) * size
    touched = np.frombuffer(whole[first // 8 : -(-end // 8)], np.uint8)
    own = np.unpackbits(touched, bitorder="little")[first % 8 :][:size]
    return _even(np.packbits(own, bitorder="little").tobytes())


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)


def _read(path: str, **words: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return need("pydicom", "a DICOM file").dcmread(path, **words)
