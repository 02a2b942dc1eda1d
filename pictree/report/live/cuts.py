"""What the page needs to cut the tree: its shape, and pictures and figures of each part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from pictree.clustering.tree import ClusterTree
from pictree.neighbors import nearest
from pictree.report.cards import means, picked, squared
from pictree.report.gather import Findings
from pictree.report.tree_layout import kept

MOST_CLUSTERS = 60
"""The page cuts into at most this many: more cards and colours than that nobody tells apart."""
_EACH = 8  # pictures of a kind on a card
_LOOKED_AT = 1_000  # images of a part among which they are chosen
_BLOCK = 4_096


def leaf_of_images(found: Findings, tree: ClusterTree) -> np.ndarray:
    """Return each used image's leaf, int32 (n,).

    One that is not in the tree has the leaf of its nearest image there, as `pictree cut` has it.
    """
    leaves = np.full(len(found.ids), -1, np.int32)
    leaves[found.tree_rows] = tree.leaves
    others = np.flatnonzero(leaves < 0)
    if len(others):
        inside = found.codes[found.tree_rows]
        for start in range(0, len(others), _BLOCK):
            rows = others[start : start + _BLOCK]
            near = nearest(inside, 1, queries=found.codes[rows])[0][:, 0]
            leaves[rows] = tree.leaves[near]
    return leaves


def largest_cut(tree: ClusterTree) -> int:
    """Return into how many clusters the page's slider goes."""
    return min(tree.n_leaves, MOST_CLUSTERS)


def nodes_of_cuts(tree: ClusterTree) -> list[int]:
    """Return every node that is a cluster of a cut into 1 to `largest_cut`, the root first."""
    undone = range(2 * tree.n_leaves - 2, 2 * tree.n_leaves - 1 - largest_cut(tree), -1)
    below = [int(c) for node in undone for c in tree.children[node - tree.n_leaves]]
    return sorted({2 * tree.n_leaves - 2, *below}, reverse=True)


def describe(found: Findings, tree: ClusterTree, leaves: np.ndarray) -> dict[str, Any]:
    """Return the tree and its parts as plain JSON values.

    Parameters
    ----------
    found : Findings
    tree : ClusterTree
    leaves : int32 array (n,)
        What `leaf_of_images` gave.

    Returns
    -------
    dict
        ``children``; ``sizes`` and ``first`` (first row) of each leaf, by which clusters are
        numbered; ``most`` and ``own`` k; what each k has ``kept``, from 0 to 1; ``nodes`` with,
        for each, ``pictures`` (rows nearest to the centre, typical, and at the border to the
        part it was cut from); ``between``, the distances of their centres; ``figures`` of each
        k, with known labels.
    """
    nodes = nodes_of_cuts(tree)
    centres = _centres(found, tree, leaves, nodes)
    distances = np.sqrt(squared(centres, centres))
    np.fill_diagonal(distances, 0)
    return {
        "children": tree.children.tolist(),
        "sizes": tree.sizes[: tree.n_leaves].tolist(),
        "first": np.unique(tree.leaves, return_index=True)[1].tolist(),
        "most": largest_cut(tree),
        "own": found.k,
        "kept": kept(tree)[: largest_cut(tree)].tolist(),
        "nodes": nodes,
        "pictures": [_pictures(found, tree, leaves, nodes, centres, node) for node in nodes],
        "between": [[float(f"{value:.3g}") for value in row] for row in distances],
        "figures": figures(found, tree, leaves),
    }


def _centres(
    found: Findings, tree: ClusterTree, leaves: np.ndarray, nodes: list[int]
) -> np.ndarray:
    """Return the mean code of each node, float64 (nodes, code size)."""
    sizes = np.bincount(leaves, minlength=tree.n_leaves)
    sums = means(found.codes, leaves, tree.n_leaves) * sizes[:, None]
    inside = np.array([_is_below(tree, node) for node in nodes], float)
    return (inside @ sums) / np.maximum(inside @ sizes, 1)[:, None]


def _is_below(tree: ClusterTree, node: int) -> np.ndarray:
    """Tell which leaves a node holds, bool (n_leaves,)."""
    held, waiting = np.zeros(tree.n_leaves, bool), [node]
    while waiting:
        at = waiting.pop()
        if at < tree.n_leaves:
            held[at] = True
        else:
            waiting += tree.children[at - tree.n_leaves].tolist()
    return held


def _pictures(
    found: Findings,
    tree: ClusterTree,
    leaves: np.ndarray,
    nodes: list[int],
    centres: np.ndarray,
    node: int,
) -> list[list[int]]:
    """Choose the rows that stand for a node, among 1,000 drawn evenly from its own."""
    rows = np.flatnonzero(_is_below(tree, node)[leaves])
    rows = rows[np.linspace(0, len(rows) - 1, min(_LOOKED_AT, len(rows))).round().astype(int)]
    codes = found.codes[rows].astype(np.float64)
    place, parent = nodes.index(node), int(tree.parents[node])
    own = ((codes - centres[place]) ** 2).sum(1)
    border = None
    if parent >= 0:
        pair = tree.children[parent - tree.n_leaves]
        other = nodes.index(int(pair[0] + pair[1] - node))
        border = ((codes - centres[other]) ** 2).sum(1) - own
    chosen = picked(np.arange(len(rows)), np.sqrt(own), border, _EACH)
    return [rows[part].tolist() for part in chosen]


def figures(found: Findings, tree: ClusterTree, leaves: np.ndarray) -> dict[str, dict[str, float]]:
    """Return matched accuracy and purity of each cut; nothing without known labels.

    Over the used images that have a known label.
    """
    if found.known is None:
        return {}
    counts = leaf_counts(found.known, leaves, tree.n_leaves)
    return {str(k): _scores(table) for k, table in _tables(tree, counts)}


def leaf_counts(known: list[str | None], leaves: np.ndarray, n_leaves: int) -> np.ndarray:
    """Count the images of each leaf and known label, int64 (n_leaves, known labels)."""
    there = np.array([label is not None for label in known])
    names, label = np.unique([name for name in known if name is not None], return_inverse=True)
    cells = leaves[there].astype(np.int64) * len(names) + label
    return np.bincount(cells, minlength=n_leaves * len(names)).reshape(n_leaves, len(names))


def _tables(tree: ClusterTree, counts: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Yield k and what its clusters hold, (k, known labels)."""
    for k in range(1, largest_cut(tree) + 1):
        numbers = np.unique(tree.top_nodes(k), return_inverse=True)[1]
        table = np.zeros((k, counts.shape[1]), np.int64)
        np.add.at(table, numbers, counts)
        yield k, table


def _scores(table: np.ndarray) -> dict[str, float]:
    from scipy.optimize import linear_sum_assignment

    total = int(table.sum())
    matched = table[linear_sum_assignment(table, maximize=True)].sum()
    return {"acc": float(matched / total), "purity": float(table.max(1).sum() / total)}
