"""First bytes of files: why something is not a picture, and whether a PNG is whole."""

from __future__ import annotations

import zlib

from pictree.images.heic import is_heic
from pictree.images.outcome import Unusable

_PICTURES = {
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
    b"GIF8": "GIF",
    b"BM": "BMP",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"8BPS": "PSD",
    b"DDS ": "DDS",
    b"\0\0\0\x0cjP": "JPEG2000",
}
_OTHERS = {
    b"%PDF": "a PDF document",
    b"%!PS": "a PostScript drawing",
    b"<svg": "an SVG drawing",
    b"<?xml": "an XML file",
    b"PK\x03\x04": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"Rar!": "a rar archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x93NUMPY": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
}


def picture_kind(raw: bytes) -> str | None:
    """Name the format whose signature the bytes begin with, of the common ones."""
    if raw[:4] == b"RIFF" and raw[8:12] == b"WEBP":
        return "WEBP"
    if raw[4:12] in (b"ftypavif", b"ftypavis"):
        return "AVIF"
    return next((name for start, name in _PICTURES.items() if raw.startswith(start)), None)


def explain_unknown(raw: bytes) -> Unusable:
    """Say why bytes that Pillow knows no format for are not a picture."""
    if kind := picture_kind(raw):
        return Unusable("unreadable", f"broken {kind} file")
    for start, name in _OTHERS.items():
        if raw.lstrip()[:8].startswith(start):
            return Unusable("not an image", name)
    if is_heic(raw):
        return Unusable("unreadable", "broken HEIC file")
    if raw[4:8] == b"ftyp":
        return Unusable("not an image", "a video")
    return Unusable("not an image", "no known format")


def check_png(raw: bytes) -> None:
    """Check the checksums of a PNG's pixel chunks, which Pillow does not.

    Raises
    ------
    Unusable
        Where one is wrong.
    """
    view, at = memoryview(raw), 8
    while at + 8 <= len(raw):
        length = int.from_bytes(view[at : at + 4], "big")
        kind, end = view[at + 4 : at + 8], at + 8 + length
        if kind == b"IDAT" and end + 4 <= len(raw):
            stored = int.from_bytes(view[end : end + 4], "big")
            if zlib.crc32(view[at + 4 : end]) != stored:
                raise Unusable("unreadable", "broken PNG file: wrong checksum")
        at = end + 4
