"""Pillow's modes to 8-bit grey or colour.

16 bits for a channel are divided by 257 (12 bits by 4,095/255), unless a pile of grey files uses
less than half of these values: then all are stretched alike (`pictree.images.deep`). 32-bit
integers within 0..255 stay, within 0..65,535 count as 16 bits, else their own smallest..largest
becomes 0..255. Floats within 0..1 are multiplied by 255, within 0..255 stay, else as the integers.
Transparent pictures are laid over white.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from pictree.images.outcome import Unusable
from pictree.images.scale import scale

_GREY = {"1", "L", "LA", "La"}


def eight_bits(
    image: Image.Image, bit_depth: int = 8, deep: tuple[float, float] | None = None
) -> Image.Image:
    """Turn a loaded picture of any mode into mode "L" or "RGB".

    Parameters
    ----------
    image : PIL.Image.Image
        Loaded.
    bit_depth : int
        Of the file; tells 12 bits in a 16-bit mode.
    deep : (float, float), optional
        The values of black and of white in files of 12 and 16 bits.

    Raises
    ------
    Unusable
        For NaN or infinite values.
    """
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep(image, bit_depth, deep)
    grey = image.mode in _GREY
    if image.has_transparency_data:
        image = _over_white(image)
    elif image.mode == "LAB":
        image = _from_lab(image)
    return image.convert("L" if grey else "RGB")


def _deep(image: Image.Image, bit_depth: int, deep: tuple[float, float] | None) -> Image.Image:
    values = np.asarray(image)
    if not np.isfinite(values).all():
        raise Unusable("unreadable", "holds NaN or infinite values")
    eight = scale(values, *_range(values, image, bit_depth, deep))
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        eight = np.where(values == transparent, np.uint8(255), eight)
    return Image.fromarray(np.ascontiguousarray(eight))


def _range(
    values: np.ndarray, image: Image.Image, bit_depth: int, deep: tuple[float, float] | None
) -> tuple[float, float]:
    if bit_depth in (12, 16):  # PGM and older Pillows give 16-bit files in mode "I"
        return deep or (0.0, 2.0**bit_depth - 1)
    low, high = float(values.min()), float(values.max())
    usual = (1.0, 255.0) if image.mode == "F" else (255.0, 65535.0)
    for top in usual:
        if low >= 0 and high <= top:
            return 0.0, top
    return low, high


def _over_white(image: Image.Image) -> Image.Image:
    clear = image.info.get("transparency")
    if isinstance(clear, tuple) and max(clear) > 255:  # Pillow kept the high bytes of 16 bits
        image = image.copy()
        image.info["transparency"] = tuple(value >> 8 for value in clear)
    rgba = image.convert("RGBA")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, rgba).convert("RGB")


def _from_lab(image: Image.Image) -> Image.Image:
    from PIL import ImageCms

    lab, rgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(lab, rgb, "LAB", "RGB")
    return ImageCms.applyTransform(image, transform) or image
