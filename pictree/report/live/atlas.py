"""Thumbnails of all images as tiles of a few large pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, features

from pictree.files import write_bytes
from pictree.images.batches import Stacked
from pictree.report.sheets import to_image

MOST_INSIDE = 100_000
"""Above this many images the atlases lie beside the page, in pictures/."""
BYTES_INSIDE = 13_000_000
"""What the atlases inside the page may take together, before base64 adds a third."""
_SIDES = (64, 48, 40, 32, 28, 24, 20, 16, 12)  # longest side of a tile
_WIDE = 1_008  # pixels of an atlas; a whole number of most sides
_QUALITY = 50
_BYTES_READ = 1 << 25  # at once


@dataclass(frozen=True)
class Atlas:
    """Where the tiles lie.

    Attributes
    ----------
    width, height : int
        Of a tile in pixels.
    columns, rows : int
        Tiles beside and above each other in one atlas.
    inside : list of str
        Data URIs of the first atlases.
    beside : list of str
        Paths of the others, relative to the page.
    """

    width: int
    height: int
    columns: int
    rows: int
    inside: list[str]
    beside: list[str]


def make_atlas(pixels: Stacked, order: np.ndarray, inside: int, folder: Path) -> Atlas:
    """Draw the thumbnails.

    Parameters
    ----------
    pixels : Stacked
        uint8 (n, h, w, c). One atlas' images are read at a time.
    order : int array (m,)
        Rows in the order of their tiles.
    inside : int
        The first so many must lie in the page; all do where there are at most 100,000.
    folder : Path
        The run's pictures/; ``atlas-NNN.webp`` in it for those that lie beside.

    Returns
    -------
    Atlas
        Its tiles are as large as `BYTES_INSIDE` allows, judged by one atlas of images spread
        evenly over all; never larger than the images.
    """
    whole = len(order) <= MOST_INSIDE
    size = _tile_size(pixels, order, len(order) if whole else inside)
    columns, rows = max(1, _WIDE // size[0]), max(1, _WIDE // size[1])
    parts = [order[i : i + columns * rows] for i in range(0, len(order), columns * rows)]
    held = len(parts) if whole else -(-inside // (columns * rows))
    draw = _drawer(pixels, size, columns)
    return Atlas(
        *size,
        columns,
        rows,
        [_uri(draw(part)) for part in parts[:held]],
        list(_write(folder, parts[held:], draw)),
    )


def _tile_size(pixels: Stacked, order: np.ndarray, inside: int) -> tuple[int, int]:
    """Return the largest width and height with which ``inside`` tiles keep within the limit."""
    height, width = pixels.shape[1:3]
    longest = max(height, width)
    for side in (s for s in (*_SIDES, 0) if s <= longest or s == 0):
        scale = (side or _SIDES[-1]) / longest
        size = max(1, round(width * min(scale, 1))), max(1, round(height * min(scale, 1)))
        each = (_WIDE // size[0]) * (_WIDE // size[1])
        rows = order[np.linspace(0, len(order) - 1, min(each, inside)).round().astype(int)]
        data = _drawer(pixels, size, max(1, _WIDE // size[0]))(rows)
        if side == 0 or len(data) / len(rows) * inside <= BYTES_INSIDE:
            break
    return size


def _drawer(pixels: Stacked, size: tuple[int, int], columns: int) -> Callable[[np.ndarray], bytes]:
    """Return what makes an atlas of some rows."""
    block = max(1, _BYTES_READ // int(np.prod(pixels.shape[1:])))

    def draw(rows: np.ndarray) -> bytes:
        lines = -(-len(rows) // columns)
        sheet = np.zeros((lines, size[1], columns, size[0], pixels.shape[3]), np.uint8)
        order = np.argsort(rows, kind="stable")  # a memory map is read forwards
        for start in range(0, len(order), block):
            places = order[start : start + block]
            for at, image in zip(places.tolist(), pixels[rows[places]], strict=True):
                sheet[at // columns, :, at % columns] = _reduced(image, size)
        flat = sheet.reshape(lines * size[1], columns * size[0], pixels.shape[3])
        return _encoded(Image.fromarray(flat[..., 0] if flat.shape[2] == 1 else flat))

    return draw


def _reduced(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    if pixels.shape[1::-1] == size:
        return pixels
    small = np.asarray(to_image(pixels).resize(size, Image.Resampling.BOX, reducing_gap=3.0))
    return small.reshape(size[1], size[0], pixels.shape[2])


def _encoded(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    if features.check("webp"):
        image.convert("RGB").save(buffer, "WEBP", quality=_QUALITY, method=2)
    else:
        image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def _uri(data: bytes) -> str:
    kind = "webp" if data[:4] == b"RIFF" else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _write(
    folder: Path, parts: list[np.ndarray], draw: Callable[[np.ndarray], bytes]
) -> Iterator[str]:
    """Write the atlases that lie beside the page."""
    for number, part in enumerate(parts):
        data = draw(part)
        name = f"atlas-{number:03d}.{'webp' if data[:4] == b'RIFF' else 'jpg'}"
        write_bytes(folder / name, data)
        yield f"{folder.name}/{name}"
