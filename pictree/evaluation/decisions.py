"""What each decision of a person gives who labels a pile by its tree; known labels play the person.

A decision is one answer about one group of pictures, a node of the tree: its name, which every
picture in it gets, or "mixed: go down", after which its two parts are shown in its place. Two
ways to work:

*Naming*: the tree is cut into k clusters, and each gets a name: k decisions. How small a k will do
is read off the known labels, so this is what the best cut saves.

*Going down*: the clusters that the run shows (their number was chosen without labels, or told) get
their names, the largest first. Then, of the named groups that have parts, the one with the most
pictures that its name does not fit goes down: one decision. Its parts keep its name; a part whose
commonest label is another gets that one: a decision more. This goes on until no group with parts
holds a picture that its name does not fit.

A person can work in this order: it needs the sizes of the groups and, of the groups shown so far,
the commonest label and how many pictures are of another. Nothing is used of a part before it is
shown, and a step down that mends nothing counts like any other. What the simulation gives the
person for nothing: a look at all pictures of a group (a person looks at a sheet of them; see
`seen`), names without a mistake, and knowing when the target is reached.

Going down a hierarchy where it is mixed, and giving each group of it the commonest label, is what
hierarchical sampling does (Dasgupta & Hsu, "Hierarchical sampling for active learning", ICML
2008). It asks for the labels of single points drawn at random from the groups, so its counts of
labels are no counts of decisions.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from pictree.errors import InputError
from pictree.evaluation.agreement import contingency


def count_nodes(leaves: np.ndarray, children: np.ndarray, known: Sequence) -> np.ndarray:
    """Count the pictures of each node and known label.

    Parameters
    ----------
    leaves : ndarray of int, shape (n,)
        Leaf of each picture, from 0.
    children : ndarray of int, shape (leaves - 1, 2)
        The two nodes that each merge joins; merge i makes node ``leaves + i``.
    known : sequence of str, int or None, length n
        Pictures with None are left out.

    Returns
    -------
    ndarray of int64, shape (2 leaves - 1, known labels)
        Labels in sorted order, as text.

    Raises
    ------
    InputError
        If the lengths differ, no picture has a known label, or a leaf is none of the tree's.
    """
    table = contingency(leaves, known)
    count = len(children) + 1
    if not 0 <= leaves.min() <= leaves.max() < count:
        raise InputError(
            f"leaves must be from 0 to {count - 1} in a tree of {count - 1} merges",
            got=f"{leaves.min()} to {leaves.max()}",
            do="Pass leaves and merges of the same tree",
        )
    there = np.array([label is not None for label in known])
    counts = np.zeros((2 * count - 1, table.shape[1]), dtype=np.int64)
    counts[np.unique(leaves[there])] = table
    for i, (left, right) in enumerate(children):
        counts[count + i] = counts[left] + counts[right]
    return counts


def by_naming(counts: np.ndarray, children: np.ndarray) -> np.ndarray:
    """Count the right pictures when the clusters of one cut are named.

    Parameters
    ----------
    counts : ndarray of int, shape (2 leaves - 1, labels)
        What `count_nodes` gave.
    children : ndarray of int, shape (leaves - 1, 2)
        The tree's merges, in their order.

    Returns
    -------
    ndarray of int64, shape (leaves + 1,)
        Item k: with k decisions, the cut into k. A cluster without any known label is a decision
        like the others.
    """
    right = counts.max(axis=1)
    more = right[children].sum(axis=1) - right[len(children) + 1 :]
    return np.concatenate([[0, right[-1]], right[-1] + np.cumsum(more[::-1])])


def by_going_down(
    counts: np.ndarray, children: np.ndarray, k: int, seen: np.ndarray | None = None
) -> np.ndarray:
    """Count the right pictures when mixed groups are taken apart.

    Parameters
    ----------
    counts : ndarray of int, shape (2 leaves - 1, labels)
        What `count_nodes` gave.
    children : ndarray of int, shape (leaves - 1, 2)
        The tree's merges, in their order.
    k : int
        Clusters to start from, 1 to `leaves`.
    seen : ndarray of int, shape (2 leaves - 1, labels), optional
        What the person sees of each node, where that is not all of it: the pictures of a sheet.
        Names and the order follow these shares and the nodes' sizes.

    Returns
    -------
    ndarray of int64
        Item d: after d decisions; from 0 to the last decision there is. At most k +
        3 (leaves - k) decisions; two for each step down, where at most one part gets a new name.

    Raises
    ------
    InputError
        If k is out of range.
    """
    walk = _Walk(counts, children, counts if seen is None else seen)
    for node in _largest_first(_nodes_of_cut(children, k), walk.sizes):
        walk.name(node, walk.commonest(node))
    while walk.open and walk.open[0][0] < 0:
        walk.go_down(heapq.heappop(walk.open)[1])
    return np.array(walk.right)


class _Walk:
    """The right pictures after each decision, and the named groups that can go down."""

    def __init__(self, counts: np.ndarray, children: np.ndarray, seen: np.ndarray) -> None:
        self.counts, self.children, self.seen = counts, children, seen
        self.sizes = counts.sum(axis=1)
        self.names: dict[int, int] = {}
        self.right = [0]
        self.open: list[tuple[float, int]] = []

    def commonest(self, node: int) -> int:
        return int(self.seen[node].argmax())

    def name(self, node: int, label: int, before: int = 0) -> None:
        """Decide on a node's name, `before` of whose pictures had their right one."""
        self.right.append(self.right[-1] + int(self.counts[node, label]) - before)
        self._keep(node, label)

    def _keep(self, node: int, label: int) -> None:
        self.names[node] = label
        if node > len(self.children):
            share = self.seen[node, label] / self.seen[node].sum()
            heapq.heappush(self.open, (-float((1 - share) * self.sizes[node]), node))

    def go_down(self, node: int) -> None:
        self.right.append(self.right[-1])
        label = self.names.pop(node)
        parts = self.children[node - len(self.children) - 1]
        for part in _largest_first(parts, self.sizes):
            other = self.commonest(part)
            if self.seen[part, other] > self.seen[part, label]:
                self.name(part, other, before=int(self.counts[part, label]))
            else:
                self._keep(part, label)


def _nodes_of_cut(children: np.ndarray, k: int) -> np.ndarray:
    """Nodes made before the last k - 1 merges, and joined by these."""
    count = len(children) + 1
    if not 1 <= k <= count:
        raise InputError(
            f"k must be from 1 to {count}, the number of leaves", got=str(k), do="Pass another k"
        )
    parts = children[count - k :].ravel() if k > 1 else np.array([2 * count - 2])
    return parts[parts < 2 * count - k]


def _largest_first(nodes: np.ndarray, sizes: np.ndarray) -> list[int]:
    """Nodes that hold a picture with a known label; of equal ones, the lower number first."""
    return [node for node in sorted(nodes.tolist(), key=lambda v: (-sizes[v], v)) if sizes[node]]


def decisions_for(right: np.ndarray, images: int, target: float) -> int | None:
    """Return the fewest decisions after which the target is reached.

    Parameters
    ----------
    right : ndarray of int
        Right pictures after each number of decisions, from `by_naming` or `by_going_down`.
    images : int
        All pictures with a known label.
    target : float
        Share of them that must be right.

    Returns
    -------
    int or None
        None where it is never reached.
    """
    reached = np.flatnonzero(right >= target * images - 1e-6)
    return int(reached[0]) if len(reached) else None
