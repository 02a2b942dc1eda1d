"""A tree of more rows than one machine can search: leaves in each cell, one small table for all.

The tree itself is found from a table of leaf by leaf, which is a sum over cells
(`pictree.clustering.merge`): it costs the same for a hundred thousand rows and for a thousand
million. What is approximate: a neighbour in a cell that was not searched is missed, a leaf ends at
its cell's border, and only one tree is made where `pictree.clustering.instant` lets 24 vote.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from pictree.clustering.cells import cells_to_search, find_cells, nearest_in_cells
from pictree.clustering.kmeans import nearest_centre
from pictree.clustering.leaves import MOST_LEAVES, find_leaves
from pictree.clustering.merge import merge
from pictree.clustering.tree import ClusterTree

RESOLUTION = 2.0


@dataclass(frozen=True)
class CellLeaves:
    """What one cell gives: to be kept in a file of its own.

    Attributes
    ----------
    ids : ndarray of int64, shape (m,)
        The cell's rows.
    links : ndarray of int64, shape (m, k)
        The ids of each row's neighbours, in this cell or another.
    leaves : ndarray of int32, shape (m,)
        The leaf of each row, numbered from 0 in each cell.
    """

    ids: np.ndarray
    links: np.ndarray
    leaves: np.ndarray


def leaves_of_cell(
    own: np.ndarray,
    own_ids: np.ndarray,
    rows: np.ndarray,
    ids: np.ndarray,
    *,
    neighbours: int,
    seed: int,
) -> CellLeaves:
    """Find the neighbours of a cell's rows, and the communities among those in the cell.

    Parameters
    ----------
    own, own_ids, rows, ids
        See `pictree.clustering.cells.nearest_in_cells`; both ids ascend.
    neighbours : int
    seed : int

    Returns
    -------
    CellLeaves
    """
    k = min(neighbours, len(ids) - 1)
    links = nearest_in_cells(own, own_ids, rows, ids, k)
    at = np.searchsorted(own_ids, links)
    is_here = own_ids[np.minimum(at, len(own_ids) - 1)] == links
    starts = np.r_[0, np.cumsum(is_here.sum(axis=1))]
    size = len(own_ids)
    inside = sparse.csr_matrix(
        (np.ones(int(starts[-1]), np.float32), at[is_here], starts), shape=(size, size)
    )
    graph = (inside + inside.T).tocsr()
    if not graph.nnz:
        return CellLeaves(own_ids, links, np.zeros(size, np.int32))
    leaves = find_leaves(graph, resolution=RESOLUTION, at_least=2, seed=seed)
    return CellLeaves(own_ids, links, leaves)


def over_borders(links: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Let each row join the leaf that most of its neighbours are in, whatever their cell.

    Parameters
    ----------
    links : ndarray of int64, shape (m, k)
        Ids of each row's neighbours.
    of : ndarray of int, shape (m,)
        The leaf of each row, numbered over all cells.

    Returns
    -------
    ndarray of int, shape (m,)
        Of leaves that come equally often, that of the nearest; the row's own counts as one more.
    """
    asked = np.hstack([of[links], of[:, None]])
    votes = (asked[:, :, None] == asked[:, None, :]).sum(axis=2)
    return asked[np.arange(len(of)), votes.argmax(axis=1)]


def leaf_table(links: np.ndarray, own: np.ndarray, of: np.ndarray, count: int) -> sparse.csr_matrix:
    """Count the links from leaf to leaf that start in one cell.

    Parameters
    ----------
    links : ndarray of int64, shape (m, k)
        Of the cell's rows.
    own : ndarray of int, shape (m,)
        Their leaves, numbered over all cells.
    of : ndarray of int, indexed by id
        The leaf of each row that may be linked to.
    count : int
        Leaves of all cells.

    Returns
    -------
    csr_matrix of float64, shape (count, count)
        Whole numbers: sums are exact, in whatever order.
    """
    cells = (np.repeat(own, links.shape[1]), of[links].ravel())
    return sparse.coo_matrix((np.ones(links.size), cells), shape=(count, count)).tocsr()


def tree_of_table(table: sparse.csr_matrix, leaves: np.ndarray, *, seed: int) -> ClusterTree:
    """Make the tree of leaves from the sum of all cells' tables.

    Parameters
    ----------
    table : csr_matrix, shape (count, count)
        Links from leaf to leaf.
    leaves : ndarray of int, shape (n,)
        The leaf of each row, in use from 0 to count - 1.
    seed : int

    Returns
    -------
    ClusterTree
        Of at most 500 leaves: more of them are first put together by the communities among them.
    """
    graph = (table + table.T).tocsr()
    if graph.shape[0] > MOST_LEAVES:
        joined = find_leaves(
            graph.astype(np.float32), resolution=RESOLUTION, at_least=MOST_LEAVES // 2, seed=seed
        )
        leaves, graph = joined[leaves], _joined(graph, joined)
    shares = graph.toarray()
    return ClusterTree(leaves.astype(np.int32), *merge(shares / shares.sum()))


def _joined(graph: sparse.csr_matrix, groups: np.ndarray) -> sparse.csr_matrix:
    member = sparse.csr_matrix((np.ones(len(groups)), (groups, np.arange(len(groups)))))
    return (member @ graph @ member.T).tocsr()


def wide_tree(
    shards: Sequence[np.ndarray],
    *,
    cells: int,
    probes: int = 8,
    neighbours: int = 5,
    seed: int = 0,
) -> tuple[ClusterTree, np.ndarray]:
    """Make the tree of all shards' rows, one cell after another.

    Parameters
    ----------
    shards : sequence of ndarray of float32, each of shape (n, d)
        Few columns: `pictree.clustering.preparation` reduces them.
    cells : int
        From 1; some thousands of rows to a cell are a good size.
    probes : int
        Cells that are searched for each cell's neighbours.
    neighbours : int
    seed : int

    Returns
    -------
    tree : ClusterTree
    links : ndarray of int64, shape (n, neighbours)
        Each row's nearest others, as far as the search found them.
    """
    centres = find_cells(shards, cells, seed=seed)
    rows = np.concatenate(shards)
    home = nearest_centre(np.ascontiguousarray(rows, np.float32), centres)
    members = [np.flatnonzero(home == cell) for cell in range(len(centres))]
    found = []
    for cell, searched in enumerate(cells_to_search(centres, probes)):
        if not len(members[cell]):
            continue
        own, ids = members[cell], _enough(members, searched, neighbours, len(rows))
        found.append(
            leaves_of_cell(rows[own], own, rows[ids], ids, neighbours=neighbours, seed=seed)
        )
    return _assembled(found, len(rows), seed)


def _enough(
    members: Sequence[np.ndarray], searched: np.ndarray, neighbours: int, rows: int
) -> np.ndarray:
    """Return the ids of the cells that are searched; of all, where these have too few."""
    ids = np.sort(np.concatenate([members[cell] for cell in searched]))
    return ids if len(ids) > neighbours else np.arange(rows)


def _assembled(found: Iterable[CellLeaves], rows: int, seed: int) -> tuple[ClusterTree, np.ndarray]:
    parts = list(found)
    of, count = np.empty(rows, np.int64), 0
    links = np.empty((rows, parts[0].links.shape[1]), np.int64)
    for part in parts:
        of[part.ids], links[part.ids] = part.leaves + count, part.links
        count += int(part.leaves.max()) + 1
    if len(parts) > 1:
        of = np.unique(over_borders(links, of), return_inverse=True)[1]
        count = int(of.max()) + 1
    tables = (leaf_table(part.links, of[part.ids], of, count) for part in parts)
    table = sum(tables, start=sparse.csr_matrix((count, count)))
    return tree_of_table(table, of, seed=seed), links


def recall(links: np.ndarray, exact: np.ndarray) -> float:
    """Return the share of the exact neighbours that a search found.

    Parameters
    ----------
    links, exact : ndarray of int, shape (n, k)
    """
    hits = [np.isin(a, b).sum() for a, b in zip(exact, links, strict=True)]
    return float(np.sum(hits) / exact.size)
