"""How much two pictures differ, wherever in the frame each one's content stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import fft

_SIDE = 32
"""Longest side that pictures are compared at."""
_BATCH = 1024
_LOWEST = 8
"""Frequencies of the spectrum on each side of 0."""
_REACH = 0.1
"""Share of the picture's side by which the other one may be shifted."""


def thumbnails(pixels: np.ndarray) -> np.ndarray:
    """Return small grey pictures, uint8 (m, h, w, c) to float32 (m, h', w'), sides at most 32.

    The mean over the channels and over equal blocks; what is left at the edges of the last
    block counts for it.
    """
    grey = pixels.astype(np.float32).mean(axis=3) / 255
    for axis in (1, 2):
        side = grey.shape[axis]
        ends = np.linspace(0, side, min(side, _SIDE) + 1).astype(int)
        sums = np.add.reduceat(grey, ends[:-1], axis=axis)
        counts = np.diff(ends).astype(np.float32)
        grey = sums / counts.reshape([-1 if at == axis else 1 for at in range(3)])
    return grey


def spectra(pixels: Any) -> np.ndarray:
    """Describe pictures so that a shifted copy has nearly the same numbers.

    The sizes of the lowest Fourier frequencies, which a shift leaves as they are.

    Parameters
    ----------
    pixels : array-like of uint8, shape (n, h, w, c)
        Read a batch at a time.

    Returns
    -------
    ndarray of float32, shape (n, d)
    """
    parts = []
    for rows in _blocks(len(pixels)):
        sizes = np.abs(fft.rfft2(thumbnails(pixels[rows])))
        across = min(_LOWEST, (sizes.shape[1] - 1) // 2)
        up_and_down = np.r_[0 : across + 1, sizes.shape[1] - across : sizes.shape[1]]
        lowest = sizes[:, up_and_down, : _LOWEST + 1]
        parts.append(lowest.reshape(len(rows), -1).astype(np.float32))
    return np.concatenate(parts)


def difference(pixels: Any, pairs: np.ndarray) -> np.ndarray:
    """Tell how much the two pictures of each pair differ where they match best.

    1 less the highest normalised cross-correlation over all shifts of up to a tenth of the
    sides (Lewis 1995); each picture less its median, which is the background of most. Changes
    of brightness and contrast don't count.

    Parameters
    ----------
    pixels : array-like of uint8, shape (n, h, w, c)
    pairs : ndarray of int, shape (m, 2)

    Returns
    -------
    ndarray of float32, shape (m,)
        0 (the same) to 2 (the negative).
    """
    parts = [np.zeros(0, np.float32)]
    for rows in _blocks(len(pairs)):
        first, second = (_centred(thumbnails(pixels[pairs[rows, side]])) for side in (0, 1))
        parts.append(1 - _best_match(first, second))
    return np.concatenate(parts)


def _blocks(n: int) -> Iterator[np.ndarray]:
    for start in range(0, n, _BATCH):
        yield np.arange(start, min(start + _BATCH, n))


def _centred(images: np.ndarray) -> np.ndarray:
    return images - np.median(images, axis=(1, 2), keepdims=True)


def _best_match(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    reach = [max(1, round(_REACH * side)) for side in first.shape[1:]]
    sides = zip(first.shape[1:], reach, strict=True)
    size = [fft.next_fast_len(side + far, real=True) for side, far in sides]
    product = fft.rfft2(first, size) * np.conj(fft.rfft2(second, size))
    match = fft.irfft2(product, size)
    for axis, far in enumerate(reach, start=1):
        shifts = np.r_[0 : far + 1, match.shape[axis] - far : match.shape[axis]]
        match = np.take(match, shifts, axis=axis)
    length = np.sqrt((first**2).sum((1, 2)) * (second**2).sum((1, 2)))
    best = match.max(axis=(1, 2))
    return np.divide(best, length, out=np.zeros_like(best), where=length > 1e-6).astype(np.float32)
