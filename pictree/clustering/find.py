"""From codes to clusters by any method, with the ranked numbers of clusters beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pictree.clustering.choose import Candidate, choose_k, parse_k
from pictree.clustering.flat import FlatClusters, fit_clusters, from_labels
from pictree.clustering.instant import Start, instant_tree
from pictree.clustering.look import CANDIDATES
from pictree.clustering.tree import ClusterTree

METHODS = ("kmeans", "gmm", "hdbscan", "tree")


@dataclass(frozen=True)
class Found:
    """What a clustering method gave.

    Attributes
    ----------
    clusters : FlatClusters
    shortlist : list of Candidate
        Numbers of clusters, best first; one that was asked for comes first, unmeasured. Empty for
        HDBSCAN, which finds its own number.
    agreement : float or None
        Mean adjusted Rand index between the tree's runs; None for the other methods.
    tree : ClusterTree or None
    confidence : ndarray of float32, shape (n,), or None
        Share of the tree's votes that each row's cluster got.
    start : Start or None
        What rounds of learning can begin with; a tree's alone.
    """

    clusters: FlatClusters
    shortlist: list[Candidate] = field(default_factory=list)
    agreement: float | None = None
    tree: ClusterTree | None = None
    confidence: np.ndarray | None = None
    start: Start | None = None


def find_clusters(
    codes: np.ndarray,
    method: str,
    k: str | int = "auto",
    *,
    starts: int = 10,
    standardise: bool = False,
    seed: int = 0,
) -> Found:
    """Cluster codes.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
    method : {"kmeans", "gmm", "hdbscan", "tree"}
    k : "auto", int or "low:high"
        See `pictree.clustering.choose.parse_k`; "auto" is 2 to 30 for a tree. HDBSCAN does not
        read it.
    starts, standardise
        See `pictree.clustering.flat.fit_clusters`; a tree does not read them.
    seed : int

    Returns
    -------
    Found

    Raises
    ------
    InputError
        If a parameter is out of range, or the codes are not finite, or all equal.
    """
    if method == "tree":
        return find_tree(codes, k, seed=seed)
    options: dict[str, Any] = {"starts": starts, "standardise": standardise, "seed": seed}
    if method == "hdbscan":
        return Found(fit_clusters(codes, method, **options))
    candidates = parse_k(k)
    shortlist = [_asked(candidates[0])]
    if len(candidates) > 1:
        shortlist = choose_k(codes, candidates, seed=seed)
    return Found(fit_clusters(codes, method, shortlist[0].k, **options), shortlist)


def find_tree(
    codes: np.ndarray, k: str | int = "auto", *, n_leaves: int | None = None, seed: int = 0
) -> Found:
    """Cluster codes by the instant tree.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
    k : "auto", int or "low:high"
        "auto" is 2 to 30.
    n_leaves : int, optional
        See `pictree.clustering.instant.instant_tree`.
    seed : int

    Returns
    -------
    Found
        With `agreement`, `tree` and `confidence`.

    Raises
    ------
    InputError
        If a parameter is out of range, or the codes are not finite, or all equal.
    """
    fixed, ranked = candidates_of(k)
    found = instant_tree(codes, k=fixed, candidates=ranked, n_leaves=n_leaves, seed=seed)
    shortlist = with_asked(found.shortlist, fixed)
    clusters = from_labels(codes, found.clusters, "tree")
    return Found(clusters, shortlist, found.agreement, found.tree, found.confidence, found.start)


def candidates_of(k: str | int) -> tuple[int | None, Sequence[int]]:
    """Return the k that was asked for, if it is one number, and those that a tree ranks."""
    if k == "auto":
        return None, CANDIDATES
    asked = parse_k(k)
    return (asked[0], CANDIDATES) if len(asked) == 1 else (None, asked)


def with_asked(shortlist: list[Candidate], fixed: int | None) -> list[Candidate]:
    """Put the k that was asked for first, unmeasured."""
    if fixed is None:
        return shortlist
    return [_asked(fixed), *(c for c in shortlist if c.k != fixed)]


def _asked(k: int) -> Candidate:
    return Candidate(k, None, "asked for")
