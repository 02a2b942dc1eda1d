"""Rows that are searched again and again: one float32 product per question, exact answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pictree.exhaustive import COARSEST, FINEST, ROUNDING

_PAIRS = 4_000_000
"""Compared at a time: 16 MB."""

_GROUPS = 1_024
"""Of rows; the least distance of each group is looked at first."""

_TILE = 2**18
"""Distances at a time: 1 MB, which stays in the cache."""


class Lookup:
    """Finds the nearest of stored rows, exactly; what all questions need is computed once.

    A float32 product gives every squared distance to within a known error. The k-th smallest of
    the least ones of some groups of rows is no less than the k-th smallest of all: the few
    distances below that and the error together are measured again, in float64.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
        Finite, C-contiguous; see `pictree.neighbors.as_rows`. Not to be changed.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows
        middle = rows.mean(axis=0, dtype=np.float64)
        self._squares = _lengths(rows)
        # Rounding grows with the numbers: where their middle is far from 0, they are moved there.
        is_far = 2 * float(middle @ middle) > self._squares.mean(dtype=np.float64)
        self._middle = middle.astype(np.float32) * np.float32(is_far)
        self._near = rows - self._middle if is_far else rows
        if is_far:
            self._squares = _lengths(self._near)
        self._longest = float(np.sqrt(self._squares.max()))
        self._is_fine = bool(FINEST < self._squares.max() < COARSEST)

    def __len__(self) -> int:
        return len(self.rows)

    def search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Find the k rows that are nearest to each query.

        Parameters
        ----------
        queries : ndarray of float32, shape (m, d)
            Finite.
        k : int
            From 1 to n.

        Returns
        -------
        indices : ndarray of int32, shape (m, k)
            Nearest first; equal distances by the lower number.
        distances : ndarray of float32, shape (m, k)
            Euclidean.
        """
        indices = np.empty((len(queries), k), np.int32)
        distances = np.empty((len(queries), k), np.float32)
        step = max(1, _PAIRS // max(1, len(self.rows)))

        def answer(first: int) -> None:
            part = slice(first, first + step)
            indices[part], distances[part] = self._search(queries[part], k)

        starts = range(0, len(queries), step)
        if len(starts) == 1:  # to ask how many threads there are takes longer than the answer
            answer(0)
            return indices, distances
        from threadpoolctl import threadpool_info, threadpool_limits

        threads = max((lib["num_threads"] for lib in threadpool_info()), default=1)
        with threadpool_limits(1), ThreadPoolExecutor(threads) as pool:
            list(pool.map(answer, starts))
        return indices, distances

    def _search(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        moved = queries - self._middle
        lengths = np.sqrt(_lengths(moved))
        if not self._is_fine or lengths.max(initial=0.0) ** 2 >= COARSEST:
            asked, others = np.divmod(np.arange(len(queries) * len(self.rows)), len(self.rows))
            return self._rank(queries, asked, others, k)
        slack = 2 * ROUNDING * (lengths + self._longest) ** 2
        return self._rank(queries, *self._near_enough(-2 * moved, slack, k), k)

    def _near_enough(
        self, left: np.ndarray, slack: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pairs of a query and a row that may be one of its k nearest, by query."""
        count, groups = len(self.rows), min(len(self.rows), max(_GROUPS, 64 * k))
        size = -(-count // groups)
        apart = np.full((len(left), size * groups), np.inf, np.float32)
        least = np.full((len(left), groups), np.inf, np.float32)
        step = max(1, _TILE // (len(left) * groups)) * groups
        for start in range(0, count, step):  # so few at a time that they stay in the cache
            part = slice(start, min(start + step, count))
            block = apart[:, part]  # the squared distances, but for the query's own square
            np.matmul(left, self._near[part].T, out=block)
            block += self._squares[part]
            grouped = apart[:, start : start + step].reshape(len(left), -1, groups)
            np.minimum(least, grouped.min(axis=1), out=least)
        bound = np.partition(least, k - 1, axis=1)[:, k - 1] + slack
        asked, group = np.nonzero(least <= bound[:, None])
        some = apart.reshape(len(left), size, groups)[asked, :, group]
        hit, place = np.nonzero(some <= bound[asked, None])
        return asked[hit], place * groups + group[hit]

    def _rank(
        self, queries: np.ndarray, asked: np.ndarray, others: np.ndarray, k: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Measure pairs, which come by query, in float64, and keep the k nearest of each query."""
        step = max(1, _PAIRS // queries.shape[1])
        parts = [slice(at, at + step) for at in range(0, len(asked), step)]
        measured = [_squares(queries[asked[part]], self.rows[others[part]]) for part in parts]
        squares = np.concatenate(measured)
        order = np.lexsort((others, squares, asked))
        taken = np.searchsorted(asked, np.arange(len(queries)))[:, None] + np.arange(k)
        kept = order[taken]
        return others[kept].astype(np.int32), np.sqrt(squares[kept]).astype(np.float32)


def _lengths(rows: np.ndarray) -> np.ndarray:
    """Return the squared length of each row."""
    return np.einsum("ij,ij->i", rows, rows)


def _squares(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    apart = some.astype(np.float64) - others
    return np.einsum("ij,ij->i", apart, apart)
