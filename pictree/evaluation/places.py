"""Whether clusters are places: the same thing in all pictures, a little elsewhere in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

MOST, PIXELS = 2_000, 2**23
"""Most pictures that are looked at, evenly spread, and most pixels of these together."""

SAME, TOLD = 0.3, 0.5
"""From which shares on the clusters are places. Of parts at a belt that shifted by 1.5 of 256
pixels they were .75 and .70 to .85; of digits, clothes, cells and cards the first at most .1."""


@dataclass(frozen=True)
class Places:
    """How far pictures differ by where their thing lies, and clusters by that.

    Attributes
    ----------
    same : float
        Share of what differs between the pictures that small shifts of their mean account for.
    told : float
        Share of the variance of these shifts that lies between the clusters, not within them.
    """

    same: float
    told: float

    @property
    def are_kinds(self) -> bool:
        """Tell whether the clusters go by anything else."""
        return self.same < SAME or self.told < TOLD


def places(pixels: Any, clusters: np.ndarray) -> Places:
    """Measure how far clusters are places.

    A small shift changes a picture by its slope; so each picture less the mean of all is fitted by
    the two slopes of that mean (Lucas & Kanade 1981, one step).

    Parameters
    ----------
    pixels : array-like of uint8, shape (n, h, w, c)
        At least two rows and columns.
    clusters : ndarray of int, shape (n,)

    Returns
    -------
    Places
    """
    height, width = pixels.shape[1:3]
    most = min(len(clusters), MOST, max(1, PIXELS // (height * width)))
    rows = np.unique(np.linspace(0, len(clusters) - 1, most).astype(int))
    seen = np.asarray(pixels[rows], np.float32).mean(axis=3)
    seen -= seen.mean(axis=(1, 2), keepdims=True)
    mean = seen.mean(axis=0)
    slopes = np.stack([slope.ravel() for slope in np.gradient(mean)], axis=1)
    rest = (seen - mean).reshape(len(rows), -1)
    shifts = np.linalg.lstsq(slopes, rest.T, rcond=None)[0].T
    whole = float((rest**2).sum())
    left = float(((rest - shifts @ slopes.T) ** 2).sum())
    return Places(1 - left / whole if whole else 0.0, _between(shifts, clusters[rows]))


def _between(values: np.ndarray, groups: np.ndarray) -> float:
    """Return the share of the variance of values (n, d) that lies between groups."""
    _, number, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.stack([np.bincount(number, column) for column in values.T], axis=1)
    whole = ((values - values.mean(axis=0)) ** 2).sum()
    between = (sizes[:, None] * (sums / sizes[:, None] - values.mean(axis=0)) ** 2).sum()
    return float(between / whole) if whole else 0.0
