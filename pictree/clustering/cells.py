"""Rows in coarse cells: what one machine can hold of a pile that none can hold.

A cell is the rows that are nearest to one of a few hundred or thousand centres. Neighbours are
sought in the own cell and the nearest cells alone, so the work grows with the rows and not with
their square. All sums over shards are in float64 and added in the shards' order: who computed
which makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from pictree.clustering.kmeans import nearest_centre
from pictree.neighbors import nearest


def cell_sums(rows: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum one shard's rows by the cell that they lie in.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, d)
    centres : ndarray of float32, shape (cells, d)

    Returns
    -------
    sums : ndarray of float64, shape (cells, d)
    counts : ndarray of int64, shape (cells,)
    """
    home = nearest_centre(np.ascontiguousarray(rows, np.float32), centres)
    columns = [np.bincount(home, weights=column, minlength=len(centres)) for column in rows.T]
    return np.stack(columns, axis=1), np.bincount(home, minlength=len(centres))


def moved_centres(
    centres: np.ndarray, shards: Iterable[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Do one step of Lloyd's algorithm from what `cell_sums` gave of each shard, in their order.

    Parameters
    ----------
    centres : ndarray of float32, shape (cells, d)
    shards : iterable of (sums, counts)

    Returns
    -------
    ndarray of float32, shape (cells, d)
        The mean of each cell's rows; an empty cell keeps its centre.
    """
    sums, counts = np.zeros(centres.shape), np.zeros(len(centres), np.int64)
    for more, rows in shards:
        sums += more
        counts += rows
    means = sums / np.maximum(counts, 1)[:, None]
    return np.where(counts[:, None] > 0, means, centres).astype(np.float32)


def find_cells(
    shards: Sequence[np.ndarray], count: int, *, sample: int = 100_000, steps: int = 5, seed: int
) -> np.ndarray:
    """Find cells: centres by k-means++ on a sample, then steps of Lloyd's algorithm on all rows.

    Parameters
    ----------
    shards : sequence of ndarray of float32, each of shape (n, d)
    count : int
        How many cells, at most the rows of the sample.
    sample : int
        Rows to begin with, drawn from all shards.
    steps : int
    seed : int

    Returns
    -------
    ndarray of float32, shape (count, d)
    """
    from sklearn.cluster import kmeans_plusplus

    rng = np.random.default_rng(seed)
    share = min(1.0, sample / sum(map(len, shards)))
    drawn = [
        shard[np.sort(rng.choice(len(shard), max(1, int(share * len(shard))), replace=False))]
        for shard in shards
    ]
    rows = np.concatenate(drawn).astype(np.float32)
    centres = kmeans_plusplus(rows, count, random_state=seed)[0].astype(np.float32)
    for _ in range(steps):
        centres = moved_centres(centres, (cell_sums(shard, centres) for shard in shards))
    return centres


def cells_to_search(centres: np.ndarray, probes: int) -> np.ndarray:
    """Return, for each cell, the cells in which its rows' neighbours are sought: itself first.

    Parameters
    ----------
    centres : ndarray of float32, shape (cells, d)
    probes : int
        How many; all where there are fewer.

    Returns
    -------
    ndarray of int32, shape (cells, probes)
    """
    others = min(probes, len(centres)) - 1
    own = np.arange(len(centres), dtype=np.int32)[:, None]
    return np.hstack([own, nearest(centres, others)[0]]) if others else own


def nearest_in_cells(
    own: np.ndarray, own_ids: np.ndarray, rows: np.ndarray, ids: np.ndarray, k: int
) -> np.ndarray:
    """Find the neighbours of one cell's rows among those of the cells that are searched.

    Parameters
    ----------
    own : ndarray of float32, shape (m, d)
        The cell's rows.
    own_ids : ndarray of int64, shape (m,)
        Their ids.
    rows : ndarray of float32, shape (n, d)
        The rows of the cells that are searched; `own` among them.
    ids : ndarray of int64, shape (n,)
        Their ids.
    k : int
        Neighbours, at most n - 1.

    Returns
    -------
    ndarray of int64, shape (m, k)
        Ids, nearest first; no row's own.
    """
    found = ids[nearest(rows, k + 1, queries=own)[0]]
    is_self = found == own_ids[:, None]
    # Among many copies of a row, the row itself may not be found: then the last is one too many.
    is_self[~is_self.any(axis=1), -1] = True
    return found[~is_self].reshape(len(own), k)
