"""What learning after the instant tree gives: a network, a tree, and how far runs agree on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pictree.clustering.choose import Candidate
from pictree.clustering.instant import Start
from pictree.clustering.look import Look, tree_of
from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import agreement_by_k
from pictree.networks.autoencoder import Autoencoder


@dataclass(frozen=True)
class Learned:
    """What the rounds gave.

    Attributes
    ----------
    model : Autoencoder
        Of the last round.
    tree : ClusterTree
        Over all rows; has `clusters` as its cut at `k`.
    k : int
    clusters : ndarray of int32, shape (n,)
        What the last round's network names each image, or the looks if it has not learned that;
        numbered by size.
    confidence : ndarray of float32, shape (n,)
        The network's probability of that, or the share of the votes.
    agreement : float
        Mean adjusted Rand index between the runs of the last look, at `k`.
    started : float
        The same between the runs of the first look.
    shortlist : list of Candidate
    history : list of dict
        A row per round: round (from 1), loss, agreement, neighbours, evidence.
    """

    model: Autoencoder
    tree: ClusterTree
    k: int
    clusters: np.ndarray
    confidence: np.ndarray
    agreement: float
    started: float
    shortlist: list[Candidate]
    history: list[dict[str, Any]]

    @property
    def is_better(self) -> bool:
        """Whether the runs agree at least as far as those of the start: no label is needed."""
        return self.agreement >= self.started


def finish(
    start: Start,
    seen: Look,
    links: np.ndarray,
    named: np.ndarray,
    confidence: np.ndarray,
    model: Autoencoder,
    history: list[dict[str, Any]],
    k: int | None,
    seed: int,
) -> Learned:
    """Make the tree that has what a network named as a cut, and measure how far runs agree.

    Parameters
    ----------
    start : Start
    seen : Look
        At the learned codes.
    links : int array (m, q)
        The codes' neighbours.
    named, confidence : array (m,)
        Of the start's different images.
    model : Autoencoder
    history : list of dict
    k : int, optional
        Number of clusters; the look's if not given.
    seed : int

    Returns
    -------
    Learned
    """
    named = np.unique(named, return_inverse=True)[1].reshape(-1)
    chosen = k or seen.k
    used = max(seen.neighbours)
    small = tree_of(links[:, :used], named, at_least=2 * chosen, seed=seed)
    tree = ClusterTree(small.leaves[start.copy_of], small.children, small.losses)
    trees = (seen.trees, start.look.trees)
    now, then = (_agreement(runs, chosen) for runs in trees)
    return Learned(
        model,
        tree,
        chosen,
        tree.cut(chosen),
        confidence[start.copy_of],
        now,
        then,
        seen.shortlist,
        history,
    )


def _agreement(trees: list[ClusterTree], k: int) -> float:
    fewest = min(tree.n_leaves for tree in trees)
    return agreement_by_k(trees, [min(k, fewest)])[min(k, fewest)].mean
