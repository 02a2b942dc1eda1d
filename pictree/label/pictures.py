"""Pictures of the page, always encoded anew: sheets of thumbnails, and one picture large."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from pictree.images.decode import ImageFormat, decode, read_header
from pictree.images.files import read_file
from pictree.images.outcome import Unusable
from pictree.label.pile import Pile
from pictree.report.sheets import fitted, to_image
from pictree.store import Run

COLUMNS = 12
MOST_ON_SHEET = 144
"""Thumbnails on one sheet: 12 rows of 12."""
_SIDE = 128
_LOSSLESS = 32 * 32
_SMALL, _LARGE = 512, 1600


def tile_size(pixels_shape: tuple[int, ...]) -> tuple[int, int]:
    """Return (width, height) of a thumbnail: the image's own, at most 128 a side."""
    height, width = pixels_shape[1:3]
    share = min(1.0, _SIDE / max(width, height))
    return max(1, round(width * share)), max(1, round(height * share))


def sheet(pixels: np.ndarray) -> tuple[bytes, str]:
    """Return uint8 (m, h, w, c) side by side, as a file and its media type.

    Row by row, 12 in a row; the last row may be short. PNG for tiny images, JPEG for others.
    """
    width, height = tile_size(pixels.shape)
    rows = -(-len(pixels) // COLUMNS)
    mode = "L" if pixels.shape[3] == 1 else "RGB"
    whole = Image.new(mode, (COLUMNS * width, rows * height))
    for i, one in enumerate(pixels):
        image = to_image(one)
        if image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
        whole.paste(image, (i % COLUMNS * width, i // COLUMNS * height))
    return _encoded(whole, lossless=width * height <= _LOSSLESS)


def large(run: Run, pile: Pile, image: int) -> tuple[bytes, str]:
    """Return one picture as large as there is: from its own file, else from the run.

    The file is shown where it is still there with the very bytes that the run was made of; it is
    decoded and encoded again, upright, at most 1600 pixels a side. Below 512, each of its pixels
    is repeated.

    Parameters
    ----------
    run : Run
    pile : Pile
    image : int
        Its id.

    Raises
    ------
    KeyError
        If there is no such image.
    """
    row = int(np.searchsorted(pile.ids, image))
    if row >= len(pile.ids) or pile.ids[row] != image:
        raise KeyError(image)
    original = _original(run, pile, row)
    if original is not None:
        shown = to_image(original)
        small = max(shown.size) < _SMALL
        return _encoded(fitted(shown, _SMALL) if small else shown, lossless=small)
    return _encoded(fitted(to_image(pile.pixels[row]), _SMALL), lossless=True)


def _original(run: Run, pile: Pile, row: int) -> np.ndarray | None:
    digest = pile.digests[row]
    for file in _places(run, int(pile.ids[row]), pile.paths[row]):
        try:
            raw = read_file(str(file))
            if hashlib.sha256(raw).hexdigest() == digest:
                return _decoded(raw, run)
        except (Unusable, ValueError):
            continue
    return None


def _decoded(raw: bytes, run: Run) -> np.ndarray:
    header = read_header(raw)
    turned = header.orientation >= 5
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    share = min(1.0, _LARGE / max(width, height))
    size = max(1, round(height * share)), max(1, round(width * share))
    return decode(raw, ImageFormat(*size, 3, "", run.info["image_format"].get("deep")))[0]


def _places(run: Run, image: int, path: str) -> list[Path]:
    """Return where the file of an image may be: below its source, or a folder above that.

    Paths are relative to what all sources of a run have in common.
    """
    info = run.info
    first = 0
    for source in [s for pile in [info, *info.get("added", [])] for s in pile["sources"]]:
        if first <= image < first + source["items"] and source["kind"] in ("folder", "files"):
            root = Path(source["root"])
            return [folder / path for folder in (root, *root.parents)]
        first += source["items"]
    return []


def _encoded(image: Image.Image, *, lossless: bool) -> tuple[bytes, str]:
    buffer = io.BytesIO()
    if lossless:
        image.save(buffer, "PNG", compress_level=4)
        return buffer.getvalue(), "image/png"
    image.save(buffer, "JPEG", quality=86)
    return buffer.getvalue(), "image/jpeg"
