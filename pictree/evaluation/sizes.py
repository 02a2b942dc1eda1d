"""Pictures whose size or shape is not the pile's."""

from __future__ import annotations

import numpy as np

from pictree.evaluation.robust import deviations

LIMIT = 4.0
"""Robust deviations from the pile's middle, on a logarithmic scale."""
TIMES_AREA, TIMES_ASPECT = 4.0, 1.5
"""How many times the usual area or aspect ratio, at least."""
_ALIKE, _MANY = 1.1, 0.05
"""As many of a pile, in area or aspect ratio within a tenth, are a usual size of their own: the
upright photographs among those that lie."""


def odd_sizes(width: np.ndarray, height: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Find the pictures that are much larger, smaller, wider or taller than the pile.

    Parameters
    ----------
    width, height : ndarray of int, shape (n,)
        Pixels, at least 1.

    Returns
    -------
    rows : ndarray of int64, shape (m,)
        The oddest first.
    why : list of str
        "large", "small", "wide" or "tall", or two of these with a comma.
    """
    area = np.log(width.astype(np.float64) * height)
    aspect = np.log(width / np.asarray(height, np.float64))
    if not len(area):
        return np.zeros(0, np.int64), []
    larger, wider = _far(area, TIMES_AREA), _far(aspect, TIMES_ASPECT)
    words = {"large": larger > 0, "small": larger < 0, "wide": wider > 0, "tall": wider < 0}
    rows = np.flatnonzero((larger != 0) | (wider != 0))
    rows = rows[np.argsort(-(np.abs(larger) + np.abs(wider))[rows], kind="stable")]
    return rows, [", ".join(word for word, odd in words.items() if odd[row]) for row in rows]


def _far(values: np.ndarray, times: float) -> np.ndarray:
    """Return how far each value is from the middle where that is odd, else 0."""
    apart = values - np.median(values)
    odd = (np.abs(apart) >= np.log(times)) & (np.abs(deviations(values)) > LIMIT)
    ordered = np.sort(values)
    first, last = (np.searchsorted(ordered, values + step) for step in np.log([1 / _ALIKE, _ALIKE]))
    return np.where(odd & (last - first <= max(1, _MANY * len(values))), apart, 0)
