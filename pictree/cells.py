"""Nearest rows of very many, sought in the nearest cells alone; arrays only."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from pictree.cores import free_cores

WANTED = 0.995
"""Share of the true neighbours of the rows drawn that lie in the cells searched, by default."""

DRAWN = 500
_ROWS_A_CENTRE = 40
_STEPS = 10
_BLOCK = 8_192
_ROUNDING = 8e-7
"""Of a float32 product's result, over the lengths of both rows; some ten times what is usual."""

_MOST_SLACK = 0.05
_FIRST = 3
"""Nearest cells whose k-th nearest row is the bound for the others."""

_MOST_HITS = 8
"""Times k: where more rows lie within the bound, as where many are equal, all are measured."""


def nearest_in_cells(
    rows: np.ndarray,
    k: int,
    queries: np.ndarray | None = None,
    *,
    probes: int | None = None,
    share: float = WANTED,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Find nearly always the k rows that are nearest to each query.

    k-means divides the rows into as many cells as the root of their number; a query is compared
    with the rows of the cells nearest to its own cell. How many cells, a few hundred rows drawn
    tell, whose neighbours are sought among all: so many that a share of them is found.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    k : int
        Below n.
    queries : ndarray of float32, shape (m, d), optional
        The rows themselves if not given; none is its own neighbour then.
    probes : int, optional
        How many cells; chosen as told above if not given.
    share : float
        Of the true neighbours of the rows drawn that must lie in the cells searched.
    seed : int
        Of the draws. One seed gives the same neighbours.

    Returns
    -------
    indices : ndarray of int32, shape (m, k)
        Nearest first.
    distances : ndarray of float32, shape (m, k)
        Euclidean.
    """
    from threadpoolctl import threadpool_limits

    rng = np.random.default_rng(seed)
    cells = max(1, int(np.sqrt(len(rows))))
    centres = _centres(rows, cells, rng)
    own = nearest_centres(rows, centres)
    near = np.argsort(_squares(centres, centres), axis=1, kind="stable")
    asked = own if queries is None else nearest_centres(queries, centres)
    wanted = rows if queries is None else queries
    probes = probes or _probes(rows, k, queries, own, asked, near, rng, share)
    members = _members(own, cells)
    indices = np.empty((len(wanted), k), np.int32)
    distances = np.empty((len(wanted), k), np.float32)

    def of_cell(cell: int, mine: np.ndarray) -> None:
        others, first = _enough(members, near[cell], probes, k + 1)
        itself = mine if queries is None else None
        search = _Search(rows, others, wanted[mine], itself, k)
        indices[mine], distances[mine] = search.by_products(centres[cell], first)

    with ThreadPoolExecutor(free_cores()) as pool, threadpool_limits(1):
        each = [(c, mine) for c, mine in enumerate(_members(asked, cells)) if len(mine)]
        list(pool.map(lambda one: of_cell(*one), each))
    return indices, distances


def _centres(rows: np.ndarray, cells: int, rng: np.random.Generator) -> np.ndarray:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    drawn = np.sort(rng.choice(len(rows), min(len(rows), _ROWS_A_CENTRE * cells), replace=False))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        seed = int(rng.integers(2**31))
        model = KMeans(cells, init="random", n_init=1, max_iter=_STEPS, random_state=seed)
        return model.fit(rows[drawn]).cluster_centers_


def nearest_centres(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the number of each row's nearest centre, int64 (n,)."""
    found = np.empty(len(rows), np.int64)
    for first in range(0, len(rows), _BLOCK):
        block = slice(first, first + _BLOCK)
        found[block] = _squares(rows[block], centres).argmin(axis=1)
    return found


def _squares(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Squared distances but for a term that is each row's own."""
    return (centres * centres).sum(axis=1) - 2 * (rows @ centres.T)


def _members(of: np.ndarray, cells: int) -> list[np.ndarray]:
    order = np.argsort(of, kind="stable")
    return np.split(order, np.cumsum(np.bincount(of, minlength=cells))[:-1])


def _probes(
    rows: np.ndarray,
    k: int,
    queries: np.ndarray | None,
    own: np.ndarray,
    asked: np.ndarray,
    near: np.ndarray,
    rng: np.random.Generator,
    share: float,
) -> int:
    """How many cells must be searched, by the true neighbours of some rows."""
    wanted = rows if queries is None else queries
    drawn = np.sort(rng.choice(len(wanted), min(DRAWN, len(wanted)), replace=False))
    itself = drawn if queries is None else None
    true, _ = _Search(rows, np.arange(len(rows)), wanted[drawn], itself, k).by_measuring()
    place = np.empty_like(near)
    np.put_along_axis(place, near, np.arange(len(near))[None], axis=1)
    ranks = place[asked[drawn][:, None], own[true]]
    return int(np.quantile(ranks, share)) + 1


def _enough(
    members: list[np.ndarray], near: np.ndarray, probes: int, fewest: int
) -> tuple[np.ndarray, int]:
    """Rows of the nearest cells: `probes` of them, and more where those hold too few.

    Also how many of the rows, the first ones, are for the bound.
    """
    held = np.cumsum([len(members[cell]) for cell in near])
    needed = int(np.searchsorted(held, fewest))
    count = max(probes, needed + 1)
    first = held[min(max(_FIRST - 1, needed), count - 1)]
    return np.concatenate([members[cell] for cell in near[:count]]), int(first)


class _Search:
    """Nearest of some rows; `itself` are the numbers of those to leave out."""

    def __init__(
        self,
        rows: np.ndarray,
        others: np.ndarray,
        wanted: np.ndarray,
        itself: np.ndarray | None,
        k: int,
    ) -> None:
        self.rows, self.others, self.wanted, self.itself, self.k = rows, others, wanted, itself, k

    def by_products(self, middle: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
        """Search by a float32 product; the few rows below a bound are measured in float64."""
        there, here = self.rows[self.others] - middle, self.wanted - middle
        squares, own = (np.einsum("ij,ij->i", r, r) for r in (there, here))
        one = np.ones((len(here), 1), np.float32)
        apart = np.hstack([-2 * here, one]) @ np.hstack([there, squares[:, None]]).T
        at = self.k - (self.itself is None)
        bound = np.partition(apart[:, :first], at, axis=1)[:, at]
        slack = _ROUNDING * (np.sqrt(own) + np.sqrt(squares.max())) ** 2
        if not np.median(slack) <= _MOST_SLACK * np.median(bound + own):
            return self.by_measuring()
        hits = np.flatnonzero(apart <= (bound + slack)[:, None])
        if len(hits) > _MOST_HITS * self.k * len(here):
            return self.by_measuring()
        return self._nearest(hits // len(there), self.others[hits % len(there)])

    def _nearest(self, at: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.itself is not None:
            is_other = other != self.itself[at]
            at, other = at[is_other], other[is_other]
        apart = self.wanted[at].astype(np.float64) - self.rows[other]
        squares = np.einsum("ij,ij->i", apart, apart)
        order = np.lexsort((other, squares, at))
        starts = np.searchsorted(at, np.arange(len(self.wanted)))
        taken = order[starts[:, None] + np.arange(self.k)]
        return other[taken], np.sqrt(squares[taken])

    def by_measuring(self) -> tuple[np.ndarray, np.ndarray]:
        """Search by brute force, as scikit-learn does it."""
        from sklearn.neighbors import NearestNeighbors

        count = self.k if self.itself is None else self.k + 1
        search = NearestNeighbors(n_neighbors=count, algorithm="brute")
        distances, found = search.fit(self.rows[self.others]).kneighbors(self.wanted)
        indices = self.others[found]
        if self.itself is None:
            return indices, distances
        is_self = indices == self.itself[:, None]
        is_self[~is_self.any(axis=1), -1] = True  # more copies than neighbours: any one goes
        kept = ~is_self
        return indices[kept].reshape(-1, self.k), distances[kept].reshape(-1, self.k)
