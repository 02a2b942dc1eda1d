"""How sharp, bright and rich in contrast pictures are, and which are not as the pile is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pictree.evaluation.robust import deviations

_BATCH = 512
LIMIT = 3.5
"""Robust deviations from the pile's middle beyond which a picture is odd."""
DARK, BRIGHT, FLAT = 0.3, 0.7, 0.15
"""Beyond these a person would say so: what is the brightest (99th percentile) of a dark picture,
the darkest (1st) of a bright one, and the span between the two of a flat one; black 0, white 1."""
_NOTICEABLE = 0.15
"""A difference in brightness from the pile's middle that a person sees at once."""


@dataclass(frozen=True)
class Looks:
    """What pictures look like, float32 (n,) each.

    Attributes
    ----------
    sharpness : ndarray
        Variance of the Laplacian over the variance of the pixels (Pech-Pacheco et al. 2000, made
        independent of contrast); 0 for a picture of one colour.
    low, high : ndarray
        1st and 99th percentile of the brightness, 0 to 1.
    """

    sharpness: np.ndarray
    low: np.ndarray
    high: np.ndarray


def looks(pixels: Any) -> Looks:
    """Measure pictures, a batch at a time.

    Parameters
    ----------
    pixels : array-like of uint8, shape (n, h, w, c)
    """
    parts = [_measure(pixels[rows]) for rows in _blocks(len(pixels))]
    columns = np.concatenate(parts, axis=1) if parts else np.zeros((3, 0), np.float32)
    return Looks(*columns)


def blurred(found: Looks) -> np.ndarray:
    """Return the rows that are less sharp than the pile, the most blurred first."""
    apart = blur_deviations(found)
    return _first(np.flatnonzero(apart < -LIMIT), apart)


def blur_deviations(found: Looks) -> np.ndarray:
    """Return robust deviations of the logarithm of the sharpness, float64 (n,)."""
    return deviations(np.log(np.maximum(found.sharpness, 1e-6)))


def dark(found: Looks) -> np.ndarray:
    """Return the rows that are dark, also for this pile, the darkest first."""
    odd = (found.high < DARK) & _is_far(-found.high)
    return _first(np.flatnonzero(odd), found.high)


def bright(found: Looks) -> np.ndarray:
    """Return the rows that are overexposed, also for this pile, the brightest first."""
    odd = (found.low > BRIGHT) & _is_far(found.low)
    return _first(np.flatnonzero(odd), -found.low)


def flat(found: Looks) -> np.ndarray:
    """Return the rows of low contrast, also for this pile, the flattest first."""
    span = found.high - found.low
    odd = (span < FLAT) & _is_far(-span)
    return _first(np.flatnonzero(odd), span)


def _is_far(values: np.ndarray) -> np.ndarray:
    """Tell which values are above the pile's, by its spread and to a person's eye."""
    if not len(values):
        return np.zeros(0, bool)
    return (deviations(values) > LIMIT) & (values - np.median(values) > _NOTICEABLE)


def _first(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    return rows[np.argsort(values[rows], kind="stable")]


def _measure(pixels: np.ndarray) -> np.ndarray:
    grey = pixels.astype(np.float32).mean(axis=3) / 255
    inside = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    curved = (around - 4 * inside).reshape(len(grey), -1)
    edges = curved.var(axis=1) if curved.shape[1] else np.zeros(len(grey), np.float32)
    whole = grey.reshape(len(grey), -1)
    varied = whole.var(axis=1)
    sharpness = np.divide(edges, varied, out=np.zeros_like(varied), where=varied > 1e-6)
    low, high = np.percentile(whole, [1, 99], axis=1)
    return np.stack([sharpness, low, high]).astype(np.float32)


def _blocks(n: int) -> Iterator[np.ndarray]:
    for start in range(0, n, _BATCH):
        yield np.arange(start, min(start + _BATCH, n))
