"""Rows to many small, pure groups: communities in the graph of nearest neighbours."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pictree.clustering.flat import by_size

MOST_LEAVES = 500
"""Smaller leaves beyond this many (or 2 k) join the leaf they are most linked to."""

LARGEST_RESOLUTION = 2.0**20
_SEEDS = 2**32
"""NumPy's older generators take no larger seed."""


def neighbour_graph(indices: np.ndarray) -> sparse.csr_matrix:
    """Symmetric graph of nearest neighbours.

    Parameters
    ----------
    indices : ndarray of int32, shape (n, q)
        Each row's nearest other rows.

    Returns
    -------
    csr_matrix of float32, shape (n, n)
        2 where each of two rows is among the other's neighbours, 1 where one is, else 0.
    """
    n, q = indices.shape
    starts = np.arange(0, n * q + 1, q)
    links = sparse.csr_matrix(
        (np.ones(n * q, dtype=np.float32), indices.ravel(), starts), shape=(n, n)
    )
    both = (links + links.T).tocsr()
    both.sort_indices()
    return both


def find_leaves(
    graph: sparse.csr_matrix, *, resolution: float, at_least: int, seed: int
) -> np.ndarray:
    """Find leaves by Louvain's communities (Blondel et al. 2008, scikit-network).

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        What `neighbour_graph` made.
    resolution : float
        Weight of the null model: higher gives more and smaller leaves. It is doubled until there
        are enough.
    at_least : int
        Fewest leaves; n where there are fewer rows.
    seed : int
        Seed of the order in which nodes move.

    Returns
    -------
    ndarray of int32, shape (n,)
        Leaf of each row, numbered by size from 0, the largest. At most the larger of 500 and
        `at_least`.
    """
    from sknetwork.clustering import Louvain

    n = graph.shape[0]
    wanted = min(at_least, n)
    found = np.zeros(n, dtype=np.int64)
    while resolution <= LARGEST_RESOLUTION and found.max() + 1 < wanted:
        model = Louvain(resolution=resolution, shuffle_nodes=True, random_state=seed % _SEEDS)
        found = model.fit_predict(graph)
        resolution *= 2
    if found.max() + 1 < wanted:
        found = np.arange(n)
    return _fold_smallest(graph, renumber(found), max(MOST_LEAVES, wanted))


def renumber(raw: np.ndarray) -> np.ndarray:
    """Renumber groups by size.

    Parameters
    ----------
    raw : ndarray of int, shape (n,)
        Any numbers from 0.

    Returns
    -------
    ndarray of int32, shape (n,)
        0 for the largest group; equal sizes: the one whose first member comes first.
    """
    order = by_size(raw)
    new = np.empty(int(raw.max()) + 1, dtype=np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return new[raw]


def _fold_smallest(graph: sparse.csr_matrix, leaves: np.ndarray, most: int) -> np.ndarray:
    """Let leaves beyond `most` join the kept leaf with most links, or the largest if none has."""
    count = int(leaves.max()) + 1
    if count <= most:
        return leaves
    member = sparse.csr_matrix(
        (np.ones(len(leaves), dtype=np.float32), (leaves, np.arange(len(leaves))))
    )
    links = (member[most:] @ graph @ member[:most].T).toarray()
    joins = np.concatenate([np.arange(most), links.argmax(axis=1)])
    return renumber(joins[leaves])
