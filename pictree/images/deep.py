"""Which values of 16-bit pictures are black and white in a pile.

A camera's 12 bits are kept in files of 16, and most of what a microscope sees is dark: divided by
257, such pictures would keep a handful of grey levels. So all of a pile are stretched alike.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from pictree.images.base import Source
from pictree.images.decode import FORMATS
from pictree.images.outcome import MAX_PIXELS, Header
from pictree.images.quiet import quiet

LOOKS = 64
"""Pictures that are looked at, evenly spread over the pile."""

_BITS = (12, 16)
_HOT = 0.001
"""Share of a picture's pixels that may be darker, and brighter: dead and hot pixels."""
_STRANGE = 0.02
"""Share of the pictures that may be: one that is overexposed must not darken all others."""
_FEW = 0.5
"""Share of the values that pictures must use less than, before they are stretched."""


def is_deep(header: Header) -> bool:
    """Tell whether a picture file holds grey of 12 or 16 bits."""
    return header.bit_depth in _BITS and (header.mode == "I" or header.mode.startswith("I;16"))


def deep_range(
    source: Source, deep: dict[int, Header], used: Callable[[bytes], tuple[int, int] | None]
) -> tuple[int, int] | None:
    """Return which values become black and white in 12-bit and 16-bit grey files.

    Parameters
    ----------
    source : Source
    deep : dict of int to Header
        Items of the source that are such files, in their order.
    used : callable
        `used_values`, or `pictree.images.guard.Guards.used_values`.

    Returns
    -------
    (int, int) or None
        None where there are no such files, or where they use half of their values or more: then
        0 is black and the largest value that the bits can hold is white.
    """
    items = list(deep)
    spread = np.unique(np.linspace(0, len(items) - 1, min(LOOKS, len(items))).astype(int))
    raws = source.read_each([items[i] for i in spread])
    bounds = [found for raw in raws if isinstance(raw, bytes) and (found := used(raw))]
    if not bounds:
        return None
    lows, highs = np.array(bounds).T
    low = int(np.quantile(lows, _STRANGE, method="nearest"))
    high = int(np.quantile(highs, 1 - _STRANGE, method="nearest"))
    most = 2 ** max(header.bit_depth for header in deep.values()) - 1
    return (low, high) if 0 < high - low < _FEW * most else None


def used_values(raw: bytes) -> tuple[int, int] | None:
    """Return the smallest and the largest value of a picture, but for dead and hot pixels.

    Parameters
    ----------
    raw : bytes
        A whole file.

    Returns
    -------
    (int, int) or None
        None where it can't be read, or is too large.
    """
    try:
        with quiet, Image.open(io.BytesIO(raw), formats=list(FORMATS)) as image:
            if image.width * image.height > MAX_PIXELS:
                return None
            values = np.sort(np.asarray(image), axis=None)
    except Exception:  # Pillow raises nearly every type there is on a broken file
        return None
    dead = int(_HOT * values.size)
    return int(values[dead]), int(values[-1 - dead])
