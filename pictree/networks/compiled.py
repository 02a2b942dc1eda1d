"""Pooling, the first and the last stage compiled by numba, where it is; `layers` has the twins.

Each function works on one thread and lets the others go on: `pictree.training.parts` gives each
its own images. Importing this module imports numba; the first call on a machine compiles (some
seconds), later ones read the compiled code from a cache.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

_FAST: Any = {"nogil": True, "cache": True, "boundscheck": False}
_MIXED: Any = {"fastmath": {"contract", "reassoc", "nsz"}, **_FAST}
"""Sums in any order, products and sums in one step; NaN and infinity stay what they are."""


@njit(inline="always")
def _shift(array):  # type: ignore[no-untyped-def]
    """By how many bits a float32's are longer."""
    return 32 - 8 * array.itemsize


@njit(inline="always")
def _rounded(value, array):  # type: ignore[no-untyped-def]
    """Bits of a float32 as bits of the array's format, rounded to even."""
    if array.itemsize == 4:
        return value
    return (value + 0x7FFF + ((value >> 16) & 1)) >> 16


@njit(**_FAST)
def pool(x: np.ndarray, out: np.ndarray, index: np.ndarray) -> None:
    """2×2 maximum and ReLU at once, over the bits of floats.

    Bits of floats that aren't negative are ordered as the floats are, and bits of negative floats
    are negative: so whole numbers are compared, in vectors twice as long for bfloat16.

    Parameters
    ----------
    x : int16 or int32 (n, h, w, c)
        Bits of bfloat16 or float32.
    out : like `x` (n, ceil(h/2), ceil(w/2), c)
        Written.
    index : uint8, as `out`
        Written: which of the four, row by row, was the first greatest; `NOTHING` for none.
    """
    n, height, width, channels = x.shape
    for i in range(n):
        for row in range(out.shape[1]):
            low = min(2 * row + 1, height - 1)
            for column in range(out.shape[2]):
                right = min(2 * column + 1, width - 1)
                for c in range(channels):
                    best = max(x[i, 2 * row, 2 * column, c], 0)
                    at = 0 if best > 0 else 4
                    value = x[i, 2 * row, right, c]
                    at = 1 if value > best else at
                    best = max(value, best)
                    value = x[i, low, 2 * column, c]
                    at = 2 if value > best else at
                    best = max(value, best)
                    value = x[i, low, right, c]
                    at = 3 if value > best else at
                    out[i, row, column, c] = max(value, best)
                    index[i, row, column, c] = at


@njit(**_FAST)
def unpool(gradient: np.ndarray, index: np.ndarray, out: np.ndarray) -> None:
    """Put each gradient where its maximum came from, and zero elsewhere.

    Parameters
    ----------
    gradient : int16 or int32 (n, ceil(h/2), ceil(w/2), c)
        Bits of bfloat16 or float32.
    index : uint8, as `gradient`
    out : like `gradient` (n, h, w, c)
        Written.
    """
    n, height, width, channels = out.shape
    for i in range(n):
        for row in range(gradient.shape[1]):
            for column in range(gradient.shape[2]):
                for place in range(4):
                    y, x = 2 * row + place // 2, 2 * column + place % 2
                    if y < height and x < width:
                        for c in range(channels):
                            is_here = index[i, row, column, c] == place
                            value = gradient[i, row, column, c]
                            out[i, y, x, c] = value if is_here else 0


@njit(**_MIXED)
def first_stage(
    x: np.ndarray, kernel: np.ndarray, bias: np.ndarray, out: np.ndarray, index: np.ndarray
) -> None:
    """3×3 convolution, ReLU and 2×2 maximum, cell after cell: the maps are never stored.

    Parameters
    ----------
    x : float32 (n, 2 rows + 2, 2 columns + 2, inputs)
        Images of an even size with a border of 1 zero.
    kernel : float32 (3, 3, inputs, c)
    bias : float32 (c,)
    out : int16 or int32 (n, rows, columns, c)
        Written: bits of bfloat16 or float32.
    index : uint8, as `out`
        Written, as by `pool`.
    """
    n, rows, columns, channels = out.shape
    inputs = x.shape[3]
    four, most = np.empty((4, channels), np.float32), np.empty(channels, np.float32)
    most_bits = most.view(np.int32)
    for i in range(n):
        for row in range(rows):
            for column in range(columns):
                for c in range(channels):
                    four[0, c] = bias[c]
                    four[1, c] = bias[c]
                    four[2, c] = bias[c]
                    four[3, c] = bias[c]
                y, left = 2 * row, 2 * column
                for dy in range(3):
                    for dx in range(3):
                        for k in range(inputs):
                            p = x[i, y + dy, left + dx, k]
                            q = x[i, y + dy, left + dx + 1, k]
                            r = x[i, y + dy + 1, left + dx, k]
                            s = x[i, y + dy + 1, left + dx + 1, k]
                            for c in range(channels):
                                weight = kernel[dy, dx, k, c]
                                four[0, c] += p * weight
                                four[1, c] += q * weight
                                four[2, c] += r * weight
                                four[3, c] += s * weight
                for c in range(channels):
                    best, at = max(four[0, c], np.float32(0)), 0 if four[0, c] > 0 else 4
                    at = 1 if four[1, c] > best else at
                    best = max(four[1, c], best)
                    at = 2 if four[2, c] > best else at
                    best = max(four[2, c], best)
                    at = 3 if four[3, c] > best else at
                    most[c] = max(four[3, c], best)
                    index[i, row, column, c] = at
                for c in range(channels):
                    out[i, row, column, c] = _rounded(most_bits[c], out)


@njit(**_MIXED)
def first_stage_gradient(
    x: np.ndarray, gradient: np.ndarray, index: np.ndarray, kernel: np.ndarray, bias: np.ndarray
) -> None:
    """Add up the gradients of `first_stage`'s kernel and bias.

    Parameters
    ----------
    x : float32 (n, 2 rows + 2, 2 columns + 2, inputs)
    gradient : int16 or int32 (n, rows, columns, c)
        Of the pooled maps: bits of bfloat16 or float32.
    index : uint8, as `gradient`
    kernel, bias : float32 (3, 3, inputs, c), (c,)
        Added to.
    """
    n, rows, columns, channels = gradient.shape
    inputs = x.shape[3]
    four = np.empty((4, channels), np.float32)
    four_bits = four.view(np.int32)
    for i in range(n):
        for row in range(rows):
            for column in range(columns):
                for c in range(channels):
                    value = np.int32(gradient[i, row, column, c]) << _shift(gradient)
                    place = index[i, row, column, c]
                    four_bits[0, c] = value if place == 0 else 0
                    four_bits[1, c] = value if place == 1 else 0
                    four_bits[2, c] = value if place == 2 else 0
                    four_bits[3, c] = value if place == 3 else 0
                for c in range(channels):
                    bias[c] += four[0, c] + four[1, c] + four[2, c] + four[3, c]
                y, left = 2 * row, 2 * column
                for dy in range(3):
                    for dx in range(3):
                        for k in range(inputs):
                            p = x[i, y + dy, left + dx, k]
                            q = x[i, y + dy, left + dx + 1, k]
                            r = x[i, y + dy + 1, left + dx, k]
                            s = x[i, y + dy + 1, left + dx + 1, k]
                            for c in range(channels):
                                here = p * four[0, c] + q * four[1, c]
                                kernel[dy, dx, k, c] += here + r * four[2, c] + s * four[3, c]


@njit(**_FAST)
def spread(share: np.ndarray, bias: np.ndarray, out: np.ndarray) -> None:
    """Add up what each pixel gives to the 4×4 pixels around it, in maps twice as fine.

    Parameters
    ----------
    share : int16 or int32 (n, h, w, 16)
        Bits of bfloat16 or float32, by row and column of the 4×4.
    bias : float32 (1,)
    out : float32 (n, 2h + 2, 2w + 2)
        Written; the result has a border of 1 around it, which means nothing.
    """
    n, height, width, _ = share.shape
    here = np.empty((width, 16), np.int32)
    value = here.view(np.float32)
    for i in range(n):
        out[i] = bias[0]
        for row in range(height):
            for column in range(width):
                for t in range(16):
                    here[column, t] = np.int32(share[i, row, column, t]) << _shift(share)
            for dy in range(4):
                for column in range(width):
                    for dx in range(4):
                        out[i, 2 * row + dy, 2 * column + dx] += value[column, 4 * dy + dx]


@njit(**_FAST)
def collect(gradient: np.ndarray, share: np.ndarray) -> None:
    """Give each pixel the gradients of the 4×4 pixels that `spread` gave it a share in.

    Parameters
    ----------
    gradient : int32 (n, 2h + 2, 2w + 2)
        Bits of float32, with a border of zeros.
    share : int16 or int32 (n, h, w, 16)
        Written: bits of bfloat16 or float32.
    """
    n, height, width, _ = share.shape
    for i in range(n):
        for row in range(height):
            for column in range(width):
                for dy in range(4):
                    for dx in range(4):
                        value = gradient[i, 2 * row + dy, 2 * column + dx]
                        share[i, row, column, 4 * dy + dx] = _rounded(value, share)


def bits(array: Any) -> np.ndarray:
    """Return the bits of a bfloat16 or float32 tensor, as whole numbers; nothing is copied."""
    import torch

    kind = torch.int16 if array.dtype == torch.bfloat16 else torch.int32
    return array.view(kind).numpy()
