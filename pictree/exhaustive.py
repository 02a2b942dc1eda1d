"""Exact nearest rows of many: cells give a bound, products of matrices find all below it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pictree.cells import nearest_in_cells
from pictree.cores import free_cores

FEWEST_ROWS = 20_000
MOST_COLUMNS = 256
PROBES = 6
_BLOCK, _COLUMNS = 1_024, 4_096
ROUNDING = 8e-7
"""Of a float32 product's result, over the lengths of both rows; some ten times what is usual."""

_MOST_SLACK = 0.05
FINEST, COARSEST = 1e-25, 1e30
"""Squares that float32 products can tell apart."""


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
    if not FINEST < squares.max() < COARSEST:
        return None
    slack = ROUNDING * (np.sqrt(squares) + np.sqrt(squares.max())) ** 2
    _, found = nearest_in_cells(centred, k, probes=PROBES)
    bounds = found[:, -1] ** 2
    if np.median(slack) > _MOST_SLACK * np.median(bounds):
        return None
    limits = bounds * np.float32(1 + 1e-5) + slack
    rows_of, others = _below(centred, squares, limits)
    if np.bincount(rows_of, minlength=len(rows)).min() <= k:  # k others and the row itself
        return None
    return _nearest(centred, rows_of, others, k)


def _below(
    rows: np.ndarray, squares: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a row and another whose squared distance is within the row's limit, by row."""
    from threadpoolctl import threadpool_limits

    one, column = np.ones((len(rows), 1), np.float32), squares[:, None]
    left, right = np.hstack([-2 * rows, one, column]), np.hstack([rows, column, one])
    starts = range(0, len(rows), _BLOCK)
    with ThreadPoolExecutor(free_cores()) as pool, threadpool_limits(1):
        found = list(pool.map(lambda first: _of_block(left, right, limits, first), starts))
    rows_of = np.concatenate([pairs[0] for pairs in found])
    order = np.argsort(rows_of, kind="stable")
    return rows_of[order], np.concatenate([pairs[1] for pairs in found])[order]


def _of_block(
    left: np.ndarray, right: np.ndarray, limits: np.ndarray, first: int
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of a block's rows, and of the rows behind them with it: each product serves both."""
    end = min(first + _BLOCK, len(left))
    product = np.empty((end - first) * _COLUMNS, np.float32)
    below = np.empty((end - first) * _COLUMNS, bool)
    rows_of, others = [], []
    for start in (first, *range(end, len(left), _COLUMNS)):
        stop = end if start == first else min(start + _COLUMNS, len(left))
        shape = end - first, stop - start
        apart, is_below = (a[: shape[0] * shape[1]].reshape(shape) for a in (product, below))
        np.matmul(left[first:end], right[start:stop].T, out=apart)
        np.less_equal(apart, limits[first:end, None], out=is_below)
        hits = np.flatnonzero(is_below)
        rows_of.append((hits // shape[1] + first).astype(np.int32))
        others.append((hits % shape[1] + start).astype(np.int32))
        if start != first:
            np.less_equal(apart, limits[None, start:stop], out=is_below)
            hits = np.flatnonzero(is_below)
            rows_of.append((hits % shape[1] + start).astype(np.int32))
            others.append((hits // shape[1] + first).astype(np.int32))
    return np.concatenate(rows_of), np.concatenate(others)


def _nearest(
    rows: np.ndarray, rows_of: np.ndarray, others: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Measure the pairs exactly, and keep each row's k nearest."""
    indices = np.empty((len(rows), k), np.int32)
    distances = np.empty((len(rows), k), np.float32)
    for first in range(0, len(rows), _BLOCK):
        end = min(first + _BLOCK, len(rows))
        begin, stop = np.searchsorted(rows_of, [first, end])
        at, other = rows_of[begin:stop], others[begin:stop]
        at, other = at[at != other], other[at != other]
        apart = rows[at].astype(np.float64) - rows[other]
        squares = np.einsum("ij,ij->i", apart, apart)
        order = np.lexsort((other, squares, at))
        taken = np.searchsorted(at, np.arange(first, end))[:, None] + np.arange(k)
        indices[first:end] = other[order][taken]
        distances[first:end] = np.sqrt(squares[order][taken])
    return indices, distances
