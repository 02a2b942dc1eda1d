"""Rows of numbers: checked, reduced to principal components, to their nearest rows; no torch."""

from __future__ import annotations

import numpy as np

from pictree.cells import nearest_in_cells
from pictree.errors import InputError
from pictree.exhaustive import FEWEST_ROWS, nearest_of_all
from pictree.exhaustive import MOST_COLUMNS as WIDEST
from pictree.lookup import Lookup

MOST_PAIRS = 4e10
"""Pairs of a row and a query up to which all are compared: 200,000 rows with each other."""

MOST_COLUMNS = 2_000
_BLOCK = 4_096
EXACT_SINGULAR = 500
LARGEST = 1e18
"""Numbers above this have squares that float32 can't hold."""


def as_rows(data: np.ndarray, what: str = "codes") -> np.ndarray:
    """Check that an array is a table of finite numbers.

    Parameters
    ----------
    data : array_like of numbers, shape (n, d)
        One row for each image.
    what : str
        What the rows are called in the message.

    Returns
    -------
    ndarray of float32, shape (n, d)
        C-contiguous; the array itself where it is so already.

    Raises
    ------
    InputError
        If the array is not numeric, not 2-D, empty, or has NaN or infinite values (beyond 1e18
        counts as infinite: float32 can't hold the squares).
    """
    raw = np.asarray(data)
    if raw.dtype.kind not in "buif":
        raise InputError(
            f"the {what} must be numbers",
            got=f"an array of {raw.dtype}",
            do="Pass a float array with one row per image",
        )
    if raw.ndim != 2 or 0 in raw.shape:
        raise InputError(
            f"the {what} must be a table with one row per image",
            got=f"shape {raw.shape}",
            do="Reshape to (images, numbers per image), each at least 1",
        )
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(raw, dtype=np.float32)
    _refuse_infinite(rows, what)
    return rows


def _refuse_infinite(rows: np.ndarray, what: str) -> None:
    if rows.min() >= -LARGEST and rows.max() <= LARGEST:  # false for NaN
        return
    bad = np.flatnonzero(~(np.abs(rows) <= LARGEST).all(axis=1))
    raise InputError(
        f"the {what} must be finite and at most {LARGEST:.0e} in size",
        got=f"NaN, infinite or larger values in {len(bad)} of {len(rows)} rows, "
        f"first in row {bad[0]}",
        do="Leave those rows out, or mend what made them",
    )


def principal_axes(rows: np.ndarray, count: int, *, seed: int = 0) -> np.ndarray:
    """Find the directions in which rows vary most (PCA, Pearson 1901).

    By the covariance where that has at most 2,000 columns and there are as many rows, else by
    singular values: exact up to 500 rows or columns, above by random projections (Halko et al.
    2011). LAPACK gets one thread: on a busy machine its threads wait for each other ten times as
    long as one of them takes.

    Parameters
    ----------
    rows : ndarray of float32 or float64, shape (n, d)
        Finite. Centred here.
    count : int
        Number of axes; min(n, d) where that is less.
    seed : int
        Seed of the random projections.

    Returns
    -------
    ndarray of float32, shape (count, d)
        Unit vectors at right angles, most variance first, each one's largest weight positive.
    """
    from threadpoolctl import threadpool_limits

    n, d = rows.shape
    count = min(count, n, d)
    centred, middle = np.empty(rows.shape, np.float32), rows.mean(axis=0, dtype=np.float64)
    for first in range(0, n, _BLOCK):  # float64 copies stay small
        centred[first : first + _BLOCK] = rows[first : first + _BLOCK] - middle
    by_covariance = d <= MOST_COLUMNS and d <= n
    table = centred.T @ centred if by_covariance else centred
    with threadpool_limits(1):
        axes = _eigenvectors(table, count) if by_covariance else _singular(table, count, seed)
    largest = axes[np.arange(count), np.abs(axes).argmax(axis=1)]
    return (axes * np.where(largest < 0, -1, 1)[:, None]).astype(np.float32)


def _eigenvectors(covariance: np.ndarray, count: int) -> np.ndarray:
    from scipy.linalg import eigh

    d = len(covariance)
    scaled = covariance.astype(np.float64) / max(float(np.abs(covariance).max()), 1e-30)
    return eigh(scaled, subset_by_index=[d - count, d - 1])[1].T[::-1]


def _singular(centred: np.ndarray, count: int, seed: int) -> np.ndarray:
    from sklearn.utils.extmath import randomized_svd

    if min(centred.shape) <= EXACT_SINGULAR:
        return np.linalg.svd(centred, full_matrices=False)[2][:count]
    return randomized_svd(centred, count, random_state=seed)[2]


def in_few_numbers(rows: np.ndarray, most: int = 50) -> np.ndarray:
    """Return rows for a quicker search: on their principal axes where there are more columns.

    Parameters
    ----------
    rows : ndarray of float, shape (n, d)
    most : int
        The search takes time by the columns; distances by 50 axes of learned codes hardly differ.

    Returns
    -------
    ndarray of float32, shape (n, min(d, most))
    """
    table = np.asarray(rows, np.float32)
    return table if table.shape[1] <= most else table @ principal_axes(table, most).T


def nearest(
    data: np.ndarray, k: int, queries: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Find the k rows of `data` that are nearest to each query.

    Exact Euclidean neighbours, by scikit-learn's blocked brute force (float64 inside, heaps per
    row, all cores): on 2 cores 0.9 s for 20,000 x 50 and 10 s for 70,000 x 50, hardly more at
    k=90 than at k=15. Of 20,000 rows and more with each other, in 40 % of that time, by
    `pictree.exhaustive`, and of queries among so many by `pictree.lookup`. Above
    `MOST_PAIRS` nearly all are found, in the nearest cells; see `pictree.cells`.

    Parameters
    ----------
    data : ndarray, shape (n, d)
        The rows to search in.
    k : int
        How many neighbours, from 1 to n (to n - 1 without `queries`).
    queries : ndarray, shape (m, d), optional
        The rows to search for. Without it, `data`'s own rows, and no row is its own neighbour,
        even where `data` holds exact duplicates.

    Returns
    -------
    indices : ndarray of int32, shape (m, k)
        Row numbers in `data`, nearest first.
    distances : ndarray of float32, shape (m, k)
        Euclidean distances in the rows' units, not squared.

    Raises
    ------
    InputError
        If k is out of range, the rows are not finite numbers, or the widths differ.
    """
    from sklearn.neighbors import NearestNeighbors

    rows = as_rows(data, "rows")
    _check_k(k, len(rows) if queries is not None else len(rows) - 1)
    asked = None if queries is None else as_rows(queries, "queries")
    if asked is not None and asked.shape[1] != rows.shape[1]:
        raise InputError(
            f"the queries must have {rows.shape[1]} numbers each, as the rows have",
            got=str(asked.shape[1]),
            do="Make both by the same network or the same projection",
        )
    if len(rows) * len(rows if asked is None else asked) > MOST_PAIRS:
        return nearest_in_cells(rows, k, asked)
    if len(rows) >= FEWEST_ROWS and rows.shape[1] <= WIDEST:
        if asked is not None:
            return Lookup(rows).search(asked, k)
        exact = nearest_of_all(rows, k)
        if exact is not None:
            return exact
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows)
    distances, indices = search.kneighbors(asked)
    return indices.astype(np.int32), distances.astype(np.float32)


def nearly_nearest(
    data: np.ndarray, k: int, share: float = 0.995, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Find nearly all of the k rows that are nearest to each row, sooner than `nearest` does.

    Of 20,000 rows and more, in the nearest cells alone; see `pictree.cells`. Of fewer, exactly.

    Parameters
    ----------
    data : ndarray, shape (n, d)
    k : int
        How many neighbours, from 1 to n - 1; no row is its own neighbour.
    share : float
        Of the neighbours that are to be found, about: it is measured on 500 rows drawn.
    seed : int
        Of the draws. One seed gives the same neighbours.

    Returns
    -------
    indices : ndarray of int32, shape (n, k)
        Row numbers in `data`, nearest first.
    distances : ndarray of float32, shape (n, k)
        Euclidean.

    Raises
    ------
    InputError
        If k is out of range, or the rows are not finite numbers.
    """
    rows = as_rows(data, "rows")
    if len(rows) < FEWEST_ROWS:
        return nearest(rows, k)
    _check_k(k, len(rows) - 1)
    return nearest_in_cells(rows, k, share=share, seed=seed)


def _check_k(k: int, most: int) -> None:
    if not 1 <= k <= most:
        raise InputError(
            f"the number of neighbours must be from 1 to {most} for this many rows",
            got=str(k),
            do="Pass more rows" if most < 1 else f"Pass a number from 1 to {most}",
        )
