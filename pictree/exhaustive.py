"""Exact nearest rows of many: cells give a bound, products of matrices find all below it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pictree.cells import nearest_in_cells

FEWEST_ROWS = 20_000
MOST_COLUMNS = 256
PROBES = 6
_BLOCK, _COLUMNS = 1_024, 4_096
_ROUNDING = 8e-7
"""Of a float32 product's result, over the lengths of both rows; some ten times what is usual."""

_MOST_SLACK = 0.05


def nearest_of_all(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the k other rows that are nearest to each row.

    The k-th nearest in a few cells is no nearer than the k-th nearest of all: that is the bound.
    Float32 products give every pair's distance to within a known error; the few pairs below
    bound and error together are measured again in float64.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    k : int
        From 1 to n - 1.

    Returns
    -------
    indices : ndarray of int32, shape (n, k)
        Nearest first; equal distances by the lower number.
    distances : ndarray of float32, shape (n, k)
        Euclidean. Or None instead of both, where the error is not small beside the bounds.
    """
    centred = rows - rows.mean(axis=0, dtype=np.float64).astype(np.float32)
    squares = (centred * centred).sum(axis=1)
    slack = _ROUNDING * (np.sqrt(squares) + np.sqrt(squares.max())) ** 2
    _, found = nearest_in_cells(centred, k, probes=PROBES)
    bounds = found[:, -1] ** 2
    if np.median(slack) > _MOST_SLACK * np.median(bounds):
        return None
    search = _Search(centred, squares, bounds * np.float32(1 + 1e-5) + slack - squares, k)
    return search.run()


class _Search:
    def __init__(self, rows: np.ndarray, squares: np.ndarray, limits: np.ndarray, k: int) -> None:
        self.rows, self.limits, self.k = rows, limits[:, None], k
        one = np.ones((len(rows), 1), np.float32)
        self.left = np.hstack([-2 * rows, one])
        self.right = np.hstack([rows, squares[:, None]])
        self.indices = np.empty((len(rows), k), np.int32)
        self.distances = np.empty((len(rows), k), np.float32)

    def run(self) -> tuple[np.ndarray, np.ndarray]:
        from threadpoolctl import threadpool_info, threadpool_limits

        threads = max((lib["num_threads"] for lib in threadpool_info()), default=1)
        with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
            list(pool.map(self._block, range(0, len(self.rows), _BLOCK)))
        return self.indices, self.distances

    def _block(self, first: int) -> None:
        left = self.left[first : first + _BLOCK]
        limits = self.limits[first : first + _BLOCK]
        found_rows, found_others = [], []
        for start in range(0, len(self.rows), _COLUMNS):
            below = left @ self.right[start : start + _COLUMNS].T <= limits
            at, other = np.nonzero(below)
            found_rows.append(at)
            found_others.append(other + start)
        self._keep(first, np.concatenate(found_rows), np.concatenate(found_others))

    def _keep(self, first: int, at: np.ndarray, other: np.ndarray) -> None:
        """Measure the pairs of a block exactly, and keep each row's k nearest."""
        is_other = other != at + first
        at, other = at[is_other], other[is_other]
        apart = self.rows[at + first].astype(np.float64) - self.rows[other]
        squares = np.einsum("ij,ij->i", apart, apart)
        order = np.lexsort((other, squares, at))
        at, other, squares = at[order], other[order], squares[order]
        starts = np.searchsorted(at, np.arange(at[-1] + 1))
        taken = starts[:, None] + np.arange(self.k)
        block = slice(first, first + len(taken))
        self.indices[block] = other[taken]
        self.distances[block] = np.sqrt(squares[taken])
