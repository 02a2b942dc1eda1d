"""What is usual in a pile, and how far from it something is; a few odd ones change neither."""

from __future__ import annotations

import numpy as np

_TO_DEVIATION = 1.4826
"""A normal distribution's standard deviation over its median absolute deviation."""


def middle_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Return the median, and the deviation by the median distance from it (MAD, Hampel 1974)."""
    middle = float(np.median(values))
    return middle, _TO_DEVIATION * float(np.median(np.abs(values - middle)))


def deviations(
    values: np.ndarray, groups: np.ndarray | None = None, *, fewest: int = 20
) -> np.ndarray:
    """Tell how many robust deviations each value is above the middle.

    Parameters
    ----------
    values : ndarray of float, shape (n,)
        Finite.
    groups : ndarray of int, shape (n,), optional
        Each value is compared with those of its group; one of a group of fewer than `fewest`
        with all.
    fewest : int

    Returns
    -------
    ndarray of float64, shape (n,)
        Negative below the middle. Where most values are equal, the spread of all counts, and
        where most of all are equal, a thousandth of the middle's size.
    """
    values = np.asarray(values, np.float64)
    middle, spread = middle_and_spread(values)
    spread = spread or max(1e-3 * abs(middle), 1e-12)
    result = (values - middle) / spread
    if groups is None:
        return result
    for group in np.unique(groups):
        here = groups == group
        if here.sum() >= fewest:
            own, width = middle_and_spread(values[here])
            result[here] = (values[here] - own) / (width or spread)
    return result
