"""What can become of a file, and the exception that carries it."""

from __future__ import annotations

from dataclasses import dataclass

OUTCOMES = (
    "used",
    "duplicate",
    "unreadable",
    "too large",
    "empty",
    "not an image",
    "refused",
)
"""Every outcome. "refused": an archive member that is a link, or leads outside the archive."""

FIRST_PAGE = "the first of several pages"
"""Reason of a used image that is not all of its file."""

MAX_FILE_BYTES = 2**28
"""A file or archive member above this (256 MiB) is not read."""

MAX_PIXELS = 178_956_970
"""A picture with more pixels is refused from its header; Pillow's own limit for errors."""


@dataclass(frozen=True)
class Header:
    """What a picture's header says.

    Attributes
    ----------
    width, height : int
        Pixels, as shown: after the orientation was applied.
    mode : str
        Pillow's mode of the file ("L", "RGB", "P", "I;16" …), or the array's dtype.
    bit_depth : int
        Bits for one channel of one pixel in the file.
    orientation : int
        EXIF orientation of the file, 1 to 8; 1 where there is none.
    more_pages : bool
        Whether it is the first of several: pages of a TIFF, frames of a DICOM file or of an
        animated picture.
    """

    width: int
    height: int
    mode: str
    bit_depth: int
    orientation: int
    more_pages: bool = False


class Unusable(Exception):  # noqa: N818 - an outcome, not an error: it never stops a run
    """One picture that can't be used.

    Attributes
    ----------
    outcome : str
        One of `OUTCOMES`, neither "used" nor "duplicate".
    reason : str
        Why, in plain words.
    header : Header or None
        The header, where it could be read.
    """

    def __init__(self, outcome: str, reason: str, header: Header | None = None) -> None:
        super().__init__(f"{outcome}: {reason}")
        self.outcome, self.reason, self.header = outcome, reason, header

    def __reduce__(self) -> tuple:
        """Rebuild from its parts, so that it survives a worker process."""
        return type(self), (self.outcome, self.reason, self.header)
