"""What codes go through before they are clustered: standardising, principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pictree.errors import InputError
from pictree.neighbors import principal_axes

SAMPLE = 20_000
"""Principal components are those of at most this many rows, drawn at random."""


BLOCK = 8_192
"""Rows prepared at a time, so that float64 copies stay small."""


@dataclass(frozen=True)
class Preparation:
    """An affine map of codes, stored with the clusters so that new codes go the same way.

    Attributes
    ----------
    shift : ndarray of float64, shape (d,)
        Taken from each code.
    scale : ndarray of float64, shape (d,)
        Then divided by; 1 where a column is constant.
    components : ndarray of float64, shape (r, d)
        Then projected on these unit vectors; r = 0 means no projection.
    """

    shift: np.ndarray
    scale: np.ndarray
    components: np.ndarray

    def apply(self, codes: np.ndarray) -> np.ndarray:
        """Prepare codes, shape (n, d), to float64 rows of shape (n, r or d)."""
        if not len(self.components):
            return (codes - self.shift) / self.scale
        rows = np.empty((len(codes), len(self.components)))
        for first in range(0, len(codes), BLOCK):
            block = (codes[first : first + BLOCK] - self.shift) / self.scale
            rows[first : first + BLOCK] = block @ self.components.T
        return rows


SMALLEST_SPAN = 1e-18
"""Columns that span less have squares that float32 can't hold."""


def refuse_equal(rows: np.ndarray) -> None:
    """Raise an InputError where no column of the codes, shape (n, d), spans more than 1e-18."""
    if len(rows) < 2 or float(np.ptp(rows, axis=0).max()) <= SMALLEST_SPAN:
        raise InputError(
            "there must be at least two different codes",
            got="1 code" if len(rows) == 1 else f"{len(rows)} codes, all equal",
            do="Check that the images differ and that the network has been trained",
        )


def fit_preparation(
    codes: np.ndarray, *, standardise: bool, dimensions: int = 0, seed: int = 0
) -> Preparation:
    """Learn a preparation from codes.

    Parameters
    ----------
    codes : ndarray of float32, shape (n, d)
        Finite.
    standardise : bool
        Divide by each column's standard deviation over all rows.
    dimensions : int
        Project on this many principal components (of at most 20,000 rows) where d is more; 0
        never does.
    seed : int
        Seed of the draw.

    Returns
    -------
    Preparation
        Shifts by the mean of all rows.
    """
    n, d = codes.shape
    shift = codes.mean(axis=0, dtype=np.float64)
    scale = np.ones(d)
    if standardise:
        deviation = codes.std(axis=0, dtype=np.float64)
        scale[deviation > 0] = deviation[deviation > 0]
    nothing = np.empty((0, d))
    if not 0 < dimensions < d:
        return Preparation(shift, scale, nothing)
    chosen = np.arange(n)
    if n > SAMPLE:
        chosen = np.sort(np.random.default_rng(seed).choice(n, SAMPLE, replace=False))
    rows = Preparation(shift, scale, nothing).apply(codes[chosen])
    axes = principal_axes(rows, dimensions, seed=seed)
    return Preparation(shift, scale, axes.astype(np.float64))
