"""Nearest rows of very many, sought in the nearest cells alone; arrays only."""

from __future__ import annotations

import warnings

import numpy as np

WANTED = 0.995
"""Share of the true neighbours of the rows drawn that lie in the cells searched."""

DRAWN = 500
_ROWS_A_CENTRE = 40
_STEPS = 10
_BLOCK = 8_192


def nearest_in_cells(
    rows: np.ndarray,
    k: int,
    queries: np.ndarray | None = None,
    *,
    probes: int | None = None,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Find nearly always the k rows that are nearest to each query.

    k-means divides the rows into as many cells as the root of their number; a query is compared
    with the rows of the cells nearest to its own cell. How many cells, a few hundred rows drawn
    tell, whose neighbours are sought among all: so many that `WANTED` of them are found.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    k : int
        Below n.
    queries : ndarray of float32, shape (m, d), optional
        The rows themselves if not given; none is its own neighbour then.
    probes : int, optional
        How many cells; chosen as told above if not given.
    seed : int
        Of the draws. One seed gives the same neighbours.

    Returns
    -------
    indices : ndarray of int32, shape (m, k)
        Nearest first.
    distances : ndarray of float32, shape (m, k)
        Euclidean.
    """
    rng = np.random.default_rng(seed)
    cells = max(1, int(np.sqrt(len(rows))))
    centres = _centres(rows, cells, rng)
    own = nearest_centres(rows, centres)
    near = np.argsort(_squares(centres, centres), axis=1, kind="stable")
    asked = own if queries is None else nearest_centres(queries, centres)
    wanted = rows if queries is None else queries
    probes = probes or _probes(rows, k, queries, own, asked, near, rng)
    members = _members(own, cells)
    indices = np.empty((len(wanted), k), np.int32)
    distances = np.empty((len(wanted), k), np.float32)
    for cell, mine in enumerate(_members(asked, cells)):
        if len(mine):
            others = _enough(members, near[cell], probes, k + 1)
            found = _among(rows, others, wanted[mine], mine if queries is None else None, k)
            indices[mine], distances[mine] = found
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
) -> int:
    """How many cells must be searched, by the true neighbours of some rows."""
    wanted = rows if queries is None else queries
    drawn = np.sort(rng.choice(len(wanted), min(DRAWN, len(wanted)), replace=False))
    itself = drawn if queries is None else None
    true, _ = _among(rows, np.arange(len(rows)), wanted[drawn], itself, k)
    place = np.empty_like(near)
    np.put_along_axis(place, near, np.arange(len(near))[None], axis=1)
    ranks = place[asked[drawn][:, None], own[true]]
    return int(np.quantile(ranks, WANTED)) + 1


def _enough(members: list[np.ndarray], near: np.ndarray, probes: int, fewest: int) -> np.ndarray:
    """Rows of the nearest cells: `probes` of them, and more where those hold too few."""
    held = np.cumsum([len(members[cell]) for cell in near])
    count = max(probes, int(np.searchsorted(held, fewest)) + 1)
    return np.concatenate([members[cell] for cell in near[:count]])


def _among(
    rows: np.ndarray, others: np.ndarray, wanted: np.ndarray, itself: np.ndarray | None, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Nearest of some rows, by brute force; `itself` are the numbers of those to leave out."""
    from sklearn.neighbors import NearestNeighbors

    count = k if itself is None else k + 1
    search = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(rows[others])
    distances, found = search.kneighbors(wanted)
    indices = others[found]
    if itself is None:
        return indices, distances
    is_self = indices == itself[:, None]
    is_self[~is_self.any(axis=1), -1] = True  # more copies than neighbours: any one goes
    kept = ~is_self
    return indices[kept].reshape(-1, k), distances[kept].reshape(-1, k)
