"""The tree: leaves, the order in which they merge, and a cut into any number of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pictree.clustering.leaves import renumber
from pictree.errors import InputError


@dataclass(frozen=True)
class ClusterTree:
    """Leaves and their merge order.

    Nodes below `n_leaves` are leaves; merge i makes node ``n_leaves + i``; the last is the root.

    Attributes
    ----------
    leaves : ndarray of int32, shape (n,)
        Leaf of each row, all numbers from 0 in use.
    children : ndarray of int32, shape (n_leaves - 1, 2)
        The two nodes that each merge joins, made before it.
    losses : ndarray of float64, shape (n_leaves - 1,)
        Information in nats that each merge loses.
    """

    leaves: np.ndarray
    children: np.ndarray
    losses: np.ndarray

    @property
    def n_leaves(self) -> int:
        """Number of leaves, the largest k that `cut` takes."""
        return len(self.children) + 1

    @cached_property
    def sizes(self) -> np.ndarray:
        """Number of rows of each node, int64, shape (2 n_leaves - 1,)."""
        sizes = np.zeros(2 * self.n_leaves - 1, dtype=np.int64)
        sizes[: self.n_leaves] = np.bincount(self.leaves, minlength=self.n_leaves)
        for i, (left, right) in enumerate(self.children):
            sizes[self.n_leaves + i] = sizes[left] + sizes[right]
        return sizes

    @cached_property
    def parents(self) -> np.ndarray:
        """Parent of each node, int32, shape (2 n_leaves - 1,); -1 for the root."""
        parents = np.full(2 * self.n_leaves - 1, -1, dtype=np.int32)
        for i, pair in enumerate(self.children):
            parents[pair] = self.n_leaves + i
        return parents

    def path(self, node: int) -> list[int]:
        """Nodes from the given one up to the root, both included.

        Parameters
        ----------
        node : int
            A leaf or another node.

        Raises
        ------
        InputError
            If there is no such node.
        """
        last = 2 * self.n_leaves - 2
        if not 0 <= node <= last:
            raise InputError(
                f"the node must be from 0 to {last}", got=str(node), do="Pass one of the tree's"
            )
        path = [int(node)]
        while self.parents[path[-1]] >= 0:
            path.append(int(self.parents[path[-1]]))
        return path

    def nodes_of_cut(self, k: int) -> np.ndarray:
        """Nodes that `cut` makes its clusters of.

        Parameters
        ----------
        k : int
            From 1 to `n_leaves`.

        Returns
        -------
        ndarray of int32, shape (k,)
            In the order of the clusters' numbers.

        Raises
        ------
        InputError
            If k is out of range.
        """
        clusters, at = self.cut(k), self.top_nodes(k)
        first = np.unique(clusters, return_index=True)[1]
        return at[self.leaves[first]]

    def cut(self, k: int) -> np.ndarray:
        """Cut the tree into exactly k clusters: the last k - 1 merges are undone.

        Parameters
        ----------
        k : int
            From 1 to `n_leaves`.

        Returns
        -------
        ndarray of int32, shape (n,)
            Cluster of each row, numbered by size from 0, the largest; equal sizes by their first
            row. The same k gives the same numbers, always.

        Raises
        ------
        InputError
            If k is out of range.
        """
        if not 1 <= k <= self.n_leaves:
            raise InputError(
                f"k must be from 1 to {self.n_leaves}, the number of leaves",
                got=str(k),
                do="Pass another k",
            )
        return renumber(self.top_nodes(k)[self.leaves])

    def top_nodes(self, k: int) -> np.ndarray:
        """Node of the cut into k (from 1 to `n_leaves`) above each leaf, int32, (n_leaves,)."""
        top = np.arange(2 * self.n_leaves - 1, dtype=np.int32)
        for i in reversed(range(self.n_leaves - k)):
            top[self.children[i]] = top[self.n_leaves + i]
        return top[: self.n_leaves]

    def coarsened(self, n_leaves: int) -> ClusterTree:
        """Return the tree whose leaves are the clusters of a cut of this one.

        Parameters
        ----------
        n_leaves : int
            At least 1; the tree itself is returned where it has no more.

        Returns
        -------
        ClusterTree
            Every cut into at most `n_leaves` is the same as this tree's.
        """
        undone = self.n_leaves - n_leaves
        if undone <= 0:
            return self
        tops, leaves = np.unique(self.top_nodes(n_leaves)[self.leaves], return_inverse=True)
        made = np.arange(self.n_leaves + undone, 2 * self.n_leaves - 1)
        new = np.empty(2 * self.n_leaves - 1, dtype=np.int32)
        new[np.concatenate([tops, made])] = np.arange(2 * n_leaves - 1)
        children = np.sort(new[self.children[undone:]], axis=1)
        return ClusterTree(leaves.astype(np.int32), children, self.losses[undone:])

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as plain arrays, to be saved by `numpy.savez`; nothing needs pickle."""
        return {"leaves": self.leaves, "children": self.children, "losses": self.losses}

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> ClusterTree:
        """Rebuild from what `to_arrays` gave, or from the opened .npz file.

        Raises
        ------
        InputError
            If the arrays are no tree: a node without or with two parents, an empty leaf.
        """
        tree = cls(*(np.asarray(arrays[name]) for name in ("leaves", "children", "losses")))
        count = tree.n_leaves
        made = count + np.arange(count - 1)
        whole = (
            tree.children.shape == (count - 1, 2)
            and len(tree.losses) == count - 1
            and len(tree.leaves) > 0
            and np.array_equal(np.unique(tree.leaves), np.arange(count))
            and np.array_equal(np.sort(tree.children, axis=None), np.arange(2 * count - 2))
            and bool((tree.children < made[:, None]).all())
        )
        if not whole:
            raise InputError(
                "the arrays must be a tree", got="others", do="Make the tree again from the codes"
            )
        return tree
