"""Pictures side by side: tiles of the page, sheets for a paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont, features

SIDE = 64
"""Longest side of a tile in pixels; larger images are reduced, tiny ones enlarged on screen."""
_SMALL = 128 * 128  # pixels
_WORTH_LOSSY = 1500  # bytes


@dataclass(frozen=True)
class Picture:
    """A picture inside the page.

    Attributes
    ----------
    uri : str
        The whole file as a data URI.
    width, height : int
        Size on screen in CSS pixels; a whole multiple of the picture's own for small ones.
    alt : str
        What stands for the picture where it can't be seen; also the text on hover.
    """

    uri: str
    width: int
    height: int
    alt: str


def to_image(pixels: np.ndarray) -> Image.Image:
    """Return uint8 (h, w, 1 or 3) as a Pillow image."""
    return Image.fromarray(np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels))


def fitted(image: Image.Image, side: int) -> Image.Image:
    """Bring an image's longest side to at most ``side``.

    Enlarging repeats whole pixels, so that a 3 × 3 picture stays what it is; reducing averages.
    """
    longest = max(image.size)
    if longest <= side:
        times = side // longest
        return image.resize((image.width * times, image.height * times), Image.Resampling.NEAREST)
    size = [max(1, round(length * side / longest)) for length in image.size]
    return image.resize((size[0], size[1]), Image.Resampling.LANCZOS)


def png(image: Image.Image) -> bytes:
    """Return an image as PNG, with the same bytes every time."""
    buffer = io.BytesIO()
    # Searching for the best compression costs seconds on large pictures and wins little.
    image.save(buffer, "PNG", optimize=image.width * image.height <= _SMALL)
    return buffer.getvalue()


def data_uri(image: Image.Image, *, quality: int = 82) -> str:
    """Return an image as a data URI: PNG while that is small, then WebP where Pillow has it."""
    has_webp = features.check("webp")
    if not has_webp or image.width * image.height <= _SMALL:
        data = png(image)
        if not has_webp or len(data) <= _WORTH_LOSSY:
            return _uri(data, "png")
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=quality, method=4)
    return _uri(buffer.getvalue(), "webp")


def drawing_uri(image: Image.Image) -> str:
    """Return a drawing of few colours as a data URI: PNG with a palette of 128."""
    return _uri(png(image.quantize(128, method=Image.Quantize.FASTOCTREE)), "png")


def _uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def tile(pixels: np.ndarray, alt: str, *, side: int = SIDE) -> Picture:
    """Return uint8 (h, w, c) as a picture whose longest side is about ``side`` on screen."""
    image = to_image(pixels)
    if max(image.size) > side:
        image = fitted(image, side)
    times = max(1, side // max(image.size))
    return Picture(data_uri(image), image.width * times, image.height * times, alt)


def strip(images: Sequence[Image.Image], columns: int, gap: int = 4) -> Image.Image:
    """Put images of one size into rows of ``columns`` on white."""
    width, height = images[0].size
    rows = -(-len(images) // columns)
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", size, "white")
    for i, image in enumerate(images):
        sheet.paste(image, (i % columns * (width + gap), i // columns * (height + gap)))
    return sheet


def captioned(parts: Sequence[tuple[str, Image.Image]], margin: int = 12) -> Image.Image:
    """Stack strips on white, each with a line of text above it."""
    font = ImageFont.load_default(16)
    line = 26
    widths = [max(strip.width, round(font.getlength(text))) for text, strip in parts]
    height = sum(strip.height + line + margin for _, strip in parts) + margin
    sheet = Image.new("RGB", (max(widths) + 2 * margin, height), "white")
    draw, y = ImageDraw.Draw(sheet), margin
    for text, picture in parts:
        draw.text((margin, y), text, fill="#202020", font=font)
        sheet.paste(picture, (margin, y + line))
        y += line + picture.height + margin
    return sheet


def cluster_sheet(title: str, rows: Sequence[tuple[str, np.ndarray]]) -> Image.Image:
    """Return the sheet of one cluster.

    Parameters
    ----------
    title : str
        Stands above all.
    rows : sequence of (str, uint8 array (m, h, w, c))
        A caption and its pictures; those without pictures are left out.
    """
    columns = max(len(pictures) for _, pictures in rows)
    parts = [
        (caption, strip([fitted(to_image(p), SIDE) for p in pictures], columns))
        for caption, pictures in rows
        if len(pictures)
    ]
    first, others = parts[0], parts[1:]
    return captioned([(f"{title}: {first[0]}", first[1]), *others])


def pair_sheet(rows: Sequence[tuple[str, np.ndarray, np.ndarray]]) -> Image.Image:
    """Return originals over their reconstructions, a captioned strip per group."""
    parts = []
    for caption, originals, restored in rows:
        both = [fitted(to_image(p), SIDE) for p in (*originals, *restored)]
        parts.append((caption, strip(both, len(originals))))
    return captioned(parts)
