"""Several clusterings of the same rows: how far they agree, and what they say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pictree.clustering.tree import ClusterTree


@dataclass(frozen=True)
class Agreement:
    """How far several trees, each cut into k parts, agree.

    Attributes
    ----------
    mean : float
        Mean adjusted Rand index (Hubert & Arabie 1985) over all pairs; 1.0 for a single tree.
    each : ndarray of float64, shape (trees,)
        Each tree's mean with the others.
    information : float
        Mean mutual information of the pairs, in nats.
    """

    mean: float
    each: np.ndarray
    information: float


def agreement_by_k(trees: Sequence[ClusterTree], ks: Sequence[int]) -> dict[int, Agreement]:
    """Measure agreement at several cuts.

    The rows of each pair of trees are counted once, leaf by leaf; a cut adds up these counts.

    Parameters
    ----------
    trees : sequence of ClusterTree
        Over the same rows.
    ks : sequence of int
        Each from 1 to the least number of leaves.

    Returns
    -------
    dict
        k to Agreement.
    """
    cuts = [{k: np.eye(k)[_cut_of_leaves(tree, k)] for k in ks} for tree in trees]
    rand = {k: np.eye(len(trees)) for k in ks}
    shared: dict[int, list[float]] = {k: [] for k in ks}
    for i, j in combinations(range(len(trees)), 2):
        counts = _leaf_counts(trees[i], trees[j])
        for k in ks:
            table = cuts[i][k].T @ counts @ cuts[j][k]
            rand[k][i, j] = rand[k][j, i] = _adjusted_rand(table)
            shared[k].append(_information(table))
    others = max(len(trees) - 1, 1)
    alone = len(trees) == 1
    result = {}
    for k in ks:
        each = np.ones(1) if alone else (rand[k].sum(axis=1) - 1) / others
        result[k] = Agreement(float(each.mean()), each, float(np.mean(shared[k] or [0.0])))
    return result


def _cut_of_leaves(tree: ClusterTree, k: int) -> np.ndarray:
    return np.unique(tree.top_nodes(k), return_inverse=True)[1]


def _leaf_counts(a: ClusterTree, b: ClusterTree) -> np.ndarray:
    cells = a.leaves.astype(np.int64) * b.n_leaves + b.leaves
    return np.bincount(cells, minlength=a.n_leaves * b.n_leaves).reshape(a.n_leaves, b.n_leaves)


def _adjusted_rand(table: np.ndarray) -> float:
    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    rows, columns = pairs(table.sum(axis=1)), pairs(table.sum(axis=0))
    n = table.sum()
    chance = rows * columns / max(n * (n - 1) / 2, 1)
    most = (rows + columns) / 2
    return 1.0 if most == chance else (pairs(table) - chance) / (most - chance)


def _information(table: np.ndarray) -> float:
    shares = table / table.sum()
    chance = shares.sum(axis=1)[:, None] * shares.sum(axis=0)[None]
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / chance[there])).sum())


def vote(labelings: Sequence[np.ndarray], weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let several clusterings vote on each row.

    The clustering of the largest weight is the reference. The others' clusters are matched to
    its clusters one to one (Kuhn 1955), so that the most rows are in matched clusters; each row
    goes where the weighted majority puts it.

    Parameters
    ----------
    labelings : sequence of ndarray of int, each of shape (n,)
        Clusters numbered from 0, the same number in each.
    weights : ndarray of float, shape (labelings,)
        Usually each one's agreement with the others; negative ones count as 0, and all count as
        1 where none is above 0.

    Returns
    -------
    clusters : ndarray of int32, shape (n,)
        Numbered as in the reference; a cluster of the reference may have lost all its rows.
    confidence : ndarray of float32, shape (n,)
        Share of the votes that each row's cluster got, above 0, at most 1.
    """
    weights = np.maximum(weights, 0.0)
    if not weights.any():
        weights = np.ones(len(labelings))
    reference = labelings[int(weights.argmax())]
    n, k = len(reference), max(int(labels.max()) for labels in labelings) + 1
    votes = np.zeros((n, k))
    for labels, weight in zip(labelings, weights, strict=True):
        votes[np.arange(n), match(reference, labels, k)[labels]] += weight
    clusters = votes.argmax(axis=1).astype(np.int32)
    confidence = votes.max(axis=1) / weights.sum()
    return clusters, np.minimum(confidence, 1.0).astype(np.float32)


def match(reference: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """Match clusters one to one, so that the most rows are in matched ones (Kuhn 1955).

    Parameters
    ----------
    reference, labels : ndarray of int, shape (n,)
        From 0 to k - 1.
    k : int

    Returns
    -------
    ndarray of int64, shape (k,)
        Cluster of the reference for each cluster of the other clustering.
    """
    from scipy.optimize import linear_sum_assignment

    cells = labels.astype(np.int64) * k + reference
    overlap = np.bincount(cells, minlength=k * k).reshape(k, k)
    return linear_sum_assignment(overlap, maximize=True)[1]
