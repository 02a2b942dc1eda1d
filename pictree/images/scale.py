"""Pixel values of any type to uint8, and channels to 1 or 3; arrays only."""

from __future__ import annotations

import numpy as np

GREY_WEIGHTS = (19595, 38470, 7471)
"""ITU-R 601-2 luma weights of red, green and blue, in 1/65,536, as Pillow has them."""

_BLOCK = 2**22
"""Values converted at a time, which bounds the memory."""


def scale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Map low..high linearly to 0..255.

    Parameters
    ----------
    values : ndarray
        Any shape; bool, integer or float; finite.
    low, high : float
        Values at or below `low` become 0, at or above `high` 255. Where they are equal,
        everything becomes 0.

    Returns
    -------
    ndarray of uint8
        Rounded to the nearest.
    """
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    if not high > low:
        return np.zeros(values.shape, np.uint8)
    out = np.empty(values.shape, np.uint8)
    step = max(1, _BLOCK // max(1, values[:1].size))  # a 16-bit picture of 100 megapixels fits
    for start in range(0, len(values), step):
        out[start : start + step] = _scale_block(values[start : start + step], low, high)
    return out


def _scale_block(values: np.ndarray, low: float, high: float) -> np.ndarray:
    exact = values.dtype.itemsize <= 2 or values.dtype == np.float32
    small = exact and max(abs(low), abs(high)) < 1e6
    wide: np.ndarray = values.astype(np.float32 if small else np.float64)
    span = high / 2 - low / 2  # halves: the difference of two large floats overflows
    share = (wide / 2 - low / 2) / span
    return np.rint(np.clip(share, 0, 1) * 255)


def over_white(values: np.ndarray) -> np.ndarray:
    """Lay colours with alpha over white: uint8 (..., 4) to uint8 (..., 3)."""
    alpha = values[..., 3:].astype(np.uint32)
    mixed = values[..., :3] * alpha + 255 * (255 - alpha)
    return ((mixed + 127) // 255).astype(np.uint8)


def to_grey(rgb: np.ndarray) -> np.ndarray:
    """Grey by ITU-R 601-2, to the bit as Pillow's ``convert("L")``.

    Parameters
    ----------
    rgb : ndarray of uint8, shape (..., 3)

    Returns
    -------
    ndarray of uint8, shape (..., 1)
    """
    red, green, blue = GREY_WEIGHTS
    wide = rgb.astype(np.uint32)
    total = wide[..., :1] * red + wide[..., 1:2] * green + wide[..., 2:3] * blue
    return ((total + 0x8000) >> 16).astype(np.uint8)


def set_channels(values: np.ndarray, channels: int) -> np.ndarray:
    """Bring uint8 (..., 1 or 3) to the wanted number of channels, 1 or 3."""
    if values.shape[-1] == channels:
        return values
    return to_grey(values) if channels == 1 else np.repeat(values, 3, axis=-1)


def array_to_bytes(values: np.ndarray, value_range: tuple[float, float] | None) -> np.ndarray:
    """One image or many, of any number type, to uint8 with 1 or 3 channels.

    Parameters
    ----------
    values : ndarray, shape (..., h, w, c)
        c is 1, 3 or 4 (the fourth is alpha, laid over white); finite.
    value_range : (float, float) or None
        What becomes 0 and what becomes 255. Default: by `natural_range`.

    Returns
    -------
    ndarray of uint8, shape (..., h, w, 1 or 3)
    """
    low, high = value_range if value_range is not None else natural_range(values)
    eight = scale(values, low, high)
    return over_white(eight) if eight.shape[-1] == 4 else eight


def natural_range(values: np.ndarray) -> tuple[float, float]:
    """Which values stand for black and for white in an array.

    bool: 0..1. uint8: 0..255. uint16: 0..65,535. Other integers: 0..255 where all lie within,
    else the smallest to the largest. Floats: 0..1 where all lie within, else the smallest to
    the largest; NaN and infinite values don't count.
    """
    fixed = {"bool": (0.0, 1.0), "uint8": (0.0, 255.0), "uint16": (0.0, 65535.0)}
    if values.dtype.name in fixed:
        return fixed[values.dtype.name]
    low, high = _extremes(values)
    usual = 1.0 if values.dtype.kind == "f" else 255.0
    return (0.0, usual) if low >= 0 and high <= usual else (low, high)


def _extremes(values: np.ndarray) -> tuple[float, float]:
    low, high = np.inf, -np.inf
    step = max(1, _BLOCK // max(1, values[:1].size))  # the array may be on disk
    for start in range(0, len(values), step):
        block = values[start : start + step]
        finite = block[np.isfinite(block)] if block.dtype.kind == "f" else block
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (0.0, 0.0)
