"""Leaves two by two into a tree: always the pair whose merging loses least information.

The leaf of a row tells something about the leaf of its neighbour: their mutual information is
what a clustering knows of the graph. Merging two leaves loses some of it. The agglomerative
information bottleneck (Slonim & Tishby 1999) merges the pair that loses least; but a small pair
loses little just because it is small. So the loss is taken relative to the root of the pair's
harmonic mass, m1 m2 / (m1 + m2), m being the share of links that a leaf has.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse


def joint_shares(graph: sparse.csr_matrix, leaves: np.ndarray) -> np.ndarray:
    """Share of the graph's links that go from one leaf to another.

    Parameters
    ----------
    graph : csr_matrix, shape (n, n)
        Symmetric, no negative weight, at least one link in each leaf.
    leaves : ndarray of int, shape (n,)
        Leaf of each row, all numbers from 0 in use.

    Returns
    -------
    ndarray of float64, shape (leaves, leaves)
        Symmetric, sums to 1. Sums of such tables over shards of rows are tables again.
    """
    count = int(leaves.max()) + 1
    links = graph.tocoo()
    cells = leaves[links.row].astype(np.int64) * count + leaves[links.col]
    table = np.bincount(cells, weights=links.data, minlength=count * count)
    return table.reshape(count, count) / table.sum()


def mutual_information(shares: np.ndarray) -> float:
    """Information in nats that the row's leaf and the neighbour's leaf share.

    Parameters
    ----------
    shares : ndarray, shape (a, b)
        Joint shares, summing to 1.

    Returns
    -------
    float
        At least 0, up to rounding.
    """
    alone = _xlogx(shares.sum(axis=1)).sum() + _xlogx(shares.sum(axis=0)).sum()
    return float(_xlogx(shares).sum() - alone)


def _xlogx(x: np.ndarray) -> np.ndarray:
    return x * np.log(np.maximum(x, 1e-300))


def _gain(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Change of the sum of x log x when two cells become one; 0 where either is empty."""
    return _xlogx(x) + _xlogx(y) - _xlogx(x + y)


def merge(shares: np.ndarray, groups: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Merge leaves until one is left.

    Exact: after each merge only the pairs that both have links with the merged leaves are
    changed, so that 100 leaves take 0.03 s, 300 0.6 s and 500 3 s.

    Parameters
    ----------
    shares : ndarray of float64, shape (leaves, leaves)
        What `joint_shares` made.
    groups : ndarray of int, shape (leaves,), optional
        Leaves of different groups merge only when each group has become one.

    Returns
    -------
    children : ndarray of int32, shape (leaves - 1, 2)
        The two nodes that each merge joins, the lower number first; merge i makes node
        ``leaves + i``.
    losses : ndarray of float64, shape (leaves - 1,)
        Information in nats that each merge loses (not relative), in the order of the merges.
    """
    state = _State(shares, groups)
    count = len(shares)
    children = np.empty((count - 1, 2), dtype=np.int32)
    losses = np.empty(count - 1)
    for i in range(count - 1):
        children[i], losses[i] = state.merge_cheapest(count + i)
    return children, losses


class _State:
    """What is left to merge: `shared` holds, for each pair, the gains over all columns."""

    def __init__(self, shares: np.ndarray, groups: np.ndarray | None) -> None:
        self.table = shares.copy()
        self.mass = shares.sum(axis=1)
        self.nodes = np.arange(len(shares))
        self.groups = np.zeros(len(shares), dtype=int) if groups is None else groups.copy()
        self.shared = np.zeros_like(shares)
        for column in range(len(shares)):
            self._add_column(self.table[:, column], 1.0)

    def _add_column(self, column: np.ndarray, sign: float) -> None:
        rows = np.flatnonzero(column)
        cells = column[rows]
        self.shared[np.ix_(rows, rows)] += sign * _gain(cells[:, None], cells[None])

    def losses(self) -> np.ndarray:
        """Information that merging each pair loses, exact but for rounding."""
        table, own, mass = self.table, np.diag(self.table), self.mass
        # Rows and columns of a pair merge at once: its own four cells become a single one.
        to_own = _gain(own[:, None], table)
        four = _xlogx(own)[:, None] + _xlogx(own)[None] + 2 * _xlogx(table)
        four -= _xlogx(own[:, None] + own[None] + 2 * table)
        return 2 * (self.shared - to_own - to_own.T - _gain(mass[:, None], mass[None])) + four

    def merge_cheapest(self, node: int) -> tuple[tuple[int, int], float]:
        losses = self.losses()
        relative = losses * np.sqrt(1 / self.mass[:, None] + 1 / self.mass[None])
        np.fill_diagonal(relative, np.inf)
        apart = self.groups[:, None] != self.groups[None]
        if len(np.unique(self.groups)) < len(self.groups):
            relative[apart] = np.inf
        a, b = np.unravel_index(int(relative.argmin()), relative.shape)
        pair = sorted((int(self.nodes[a]), int(self.nodes[b])))
        self._join(int(min(a, b)), int(max(a, b)), node)
        return (pair[0], pair[1]), float(max(losses[a, b], 0.0))

    def _join(self, a: int, b: int, node: int) -> None:
        self._add_column(self.table[:, a], -1.0)
        self._add_column(self.table[:, b], -1.0)
        self._add_column(self.table[:, a] + self.table[:, b], 1.0)
        self.table[:, a] += self.table[:, b]
        self.table[a] += self.table[b]
        self.nodes[a] = node
        kept = np.delete(np.arange(len(self.nodes)), b)
        self.table = self.table[np.ix_(kept, kept)]
        self.shared = self.shared[np.ix_(kept, kept)]
        self.nodes, self.groups = self.nodes[kept], self.groups[kept]
        self.mass = self.table.sum(axis=1)
        row = _gain(self.table, self.table[a]).sum(axis=1)
        self.shared[a] = self.shared[:, a] = row
