"""Where the nodes of the tree's top stand: the root at the left, the tips in lines at the right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pictree.clustering.tree import ClusterTree

LINE = 44.0
"""Height of a tip's line."""
STEP = 46.0
"""Least distance from a node to the nodes that it joins: room for a picture and a number."""
BAND = 20.0
"""What a node's pictures and figures reach above and below it."""
_WIDTH = 590.0  # the root to the tips, where the tree is not too deep for it
_MOST_TIPS = 36


@dataclass(frozen=True)
class Spot:
    """One node of the drawing.

    Attributes
    ----------
    node : int
        Its number in the tree.
    x, y : float
        In CSS pixels, from the root and from the upper end.
    parent : int
        Node that it was merged into; -1 for the root.
    children : tuple of int
        The nodes that it joins, the upper one first; none for a tip.
    room : float
        Free width to the right of x, `BAND` above and below y. For a tip 0.
    """

    node: int
    x: float
    y: float
    parent: int
    children: tuple[int, ...]
    room: float


@dataclass(frozen=True)
class Top:
    """The part of a tree that is drawn.

    Attributes
    ----------
    tree : ClusterTree
    k : int
        The clusters are its cut into k.
    spots : dict of int to Spot
        By node, the root first, every node after its parent.
    owner : dict of int to int
        The cluster that each of these nodes is, or is a part of; -1 above the cut.
    """

    tree: ClusterTree
    k: int
    spots: dict[int, Spot]
    owner: dict[int, int]

    @property
    def tips(self) -> list[Spot]:
        """Nodes whose children are not drawn, from above."""
        return [spot for spot in self.spots.values() if not spot.children]

    @property
    def end(self) -> float:
        """The tips' x."""
        return max(spot.x for spot in self.spots.values())

    def clusters_in(self, tip: int) -> list[int]:
        """Return the clusters that a tip above the cut holds."""
        nodes = enumerate(self.tree.nodes_of_cut(self.k))
        return [cluster for cluster, node in nodes if tip in self.tree.path(int(node))]


def top_of(tree: ClusterTree, k: int) -> Top:
    """Choose and lay out what is drawn of a tree that is cut into ``k`` clusters.

    Three tips for each cluster, from 12 to 36. ``tree`` has 2 leaves or more.
    """
    at = spots(tree, min(tree.n_leaves, _MOST_TIPS, max(12, 3 * k)))
    cluster_of = {int(node): cluster for cluster, node in enumerate(tree.nodes_of_cut(k))}
    owner = {-1: -1}
    for node, spot in at.items():
        owner[node] = cluster_of.get(node, owner[spot.parent])
    return Top(tree, k, at, owner)


def kept(tree: ClusterTree) -> np.ndarray:
    """Return what 1, 2, ... n_leaves clusters keep of the leaves' information, from 0 to 1."""
    sums = np.concatenate([[0.0], np.cumsum(tree.losses[::-1])])
    return sums / sums[-1] if sums[-1] > 0 else sums


def spots(tree: ClusterTree, tips: int) -> dict[int, Spot]:
    """Lay out the tree cut into ``tips`` parts and all above, from the root down.

    A node lies right of its parent by `STEP` and by what the merges between the two lose: a
    branch that stays apart long is long. No two nodes' pictures can overlap.

    Parameters
    ----------
    tree : ClusterTree
    tips : int
        From 2 to the number of leaves.

    Returns
    -------
    dict of int to Spot
        The root first, every node after its parent.
    """
    count = tree.n_leaves
    inner = range(2 * count - 2, 2 * count - 1 - tips, -1)
    children = _children(tree, inner)
    x, y = _across(tree, children), _down(inner[0], children)
    end = max(x[node] for node in inner) + STEP
    found = {}
    for node in y:
        pair = children.get(node, ())
        at = x.get(node, end)
        room = _room(node, x, y, children, end) if pair else 0.0
        found[node] = Spot(node, at, y[node], int(tree.parents[node]), pair, room)
    return found


def _children(tree: ClusterTree, inner: range) -> dict[int, tuple[int, ...]]:
    """Put the child with fewer tips above, so that a chain of merges goes down to the right."""
    pairs = {node: [int(c) for c in tree.children[node - tree.n_leaves]] for node in inner}
    tips: dict[int, int] = {}
    for node in reversed(inner):
        tips[node] = sum(tips.get(child, 1) for child in pairs[node])
    return {
        node: tuple(sorted(pair, key=lambda c: (tips.get(c, 1), -int(tree.sizes[c]), c)))
        for node, pair in pairs.items()
    }


def _across(tree: ClusterTree, children: dict[int, tuple[int, ...]]) -> dict[int, float]:
    """Return x of the inner nodes."""
    share, root = kept(tree), next(iter(children))
    lost = {node: float(share[root - node]) for node in children}
    depth = {root: 0}
    for node, pair in children.items():
        depth |= {child: depth[node] + 1 for child in pair if child in children}
    fits = [(_WIDTH - STEP * (d + 1)) / lost[n] for n, d in depth.items() if lost[n] > 0]
    scale = float(np.clip(min(fits, default=0.0), 2 * STEP, _WIDTH))
    return {node: round(STEP * depth[node] + scale * lost[node], 1) for node in children}


def _down(root: int, children: dict[int, tuple[int, ...]]) -> dict[int, float]:
    """Return y of all nodes, every node after its parent."""
    order, waiting = [], [root]
    while waiting:
        order.append(waiting.pop())
        waiting += reversed(children.get(order[-1], ()))
    tips = [node for node in order if node not in children]
    y = {node: (line + 0.5) * LINE for line, node in enumerate(tips)}
    for node in reversed(order):
        if node in children:
            y[node] = sum(y[child] for child in children[node]) / 2
    return {node: y[node] for node in order}


def _room(
    node: int,
    x: dict[int, float],
    y: dict[int, float],
    children: dict[int, tuple[int, ...]],
    end: float,
) -> float:
    """Distance to the next upright line on the node's height, or to the tips."""
    ahead = [end]
    for other, (upper, lower) in children.items():
        is_there = y[upper] < y[node] + BAND and y[lower] > y[node] - BAND
        if x[other] > x[node] and is_there:
            ahead.append(x[other])
    return min(ahead) - x[node]
