"""The instant tree: look, merge, vote. Clusters and their tree in seconds, nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pictree.cells import nearest_in_cells
from pictree.clustering.choose import Candidate
from pictree.clustering.leaves import MOST_LEAVES
from pictree.clustering.look import CANDIDATES, NEIGHBOUR_COUNTS, Look, look, tree_of
from pictree.clustering.preparation import BLOCK, Preparation, fit_preparation, refuse_equal
from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError
from pictree.neighbors import as_rows, nearest

DIMENSIONS = 50
MOST_CLUSTERS = 250

WHOLE = 200_000
"""Up to so many different rows the tree is made of all; of more, of some drawn at random."""

DRAWN = 100_000
VOTERS = 5
"""Nearest drawn rows that say where a row belongs that was not drawn."""

SEARCHED = 16
"""Of the 316 cells of the drawn rows, in which these are sought."""


@dataclass(frozen=True)
class InstantTree:
    """Clusters that a dozen runs voted for, and a tree that has them as a cut.

    Attributes
    ----------
    tree : ClusterTree
        Its cut at `k` is exactly `clusters`.
    k : int
        Number of clusters.
    clusters : ndarray of int32, shape (n,)
        Cluster of each row, numbered by size from 0, the largest.
    confidence : ndarray of float32, shape (n,)
        Share of the votes that the row's cluster got.
    agreement, neighbours, shortlist
        See `pictree.clustering.look.Look`.
    start : Start
        What learning can begin with.
    """

    tree: ClusterTree
    k: int
    clusters: np.ndarray
    confidence: np.ndarray
    agreement: float
    neighbours: tuple[int, ...]
    shortlist: list[Candidate]
    start: Start


@dataclass(frozen=True)
class Start:
    """The first look, at the different rows alone, or at some of them where they are many.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        First row of each kind of equal rows; `DRAWN` of these above `WHOLE`.
    copy_of : ndarray of int64, shape (n,)
        For each row its kind, an index into `rows`. For a kind that was not drawn: of the
        `VOTERS` nearest that were, the nearest one in the cluster of most of them.
    links : ndarray of int32, shape (m, q)
        Nearest other kinds of each kind, nearest first.
    look : Look
    """

    rows: np.ndarray
    copy_of: np.ndarray
    links: np.ndarray
    look: Look


def instant_tree(
    rows: np.ndarray,
    *,
    k: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    n_leaves: int | None = None,
    seed: int = 0,
) -> InstantTree:
    """Cluster rows by what their neighbours tell, without training and without any known label.

    1. Exact nearest neighbours on the first 50 principal components of the different rows (copies
       of a row go where it goes). Above `WHOLE` of them the tree is that of `DRAWN`, and each
       other one goes where the nearest of these go: all grows with the rows, not their square.
    2. `pictree.clustering.look.look`: 24 trees, of which the 12 that agree most vote.
    3. The final tree has the voted clusters as a cut.

    Parameters
    ----------
    rows : ndarray, shape (n, d)
        Pixels or codes, finite; not standardised here.
    k : int, optional
        Number of clusters, from 1 to n and at most 250; the best of the shortlist if not given.
    candidates : sequence of int
        What the shortlist ranks (from 2); those above the least number of leaves of any run are
        left out.
    n_leaves : int, optional
        Leaves of the final tree, from k (or the least candidate) to 500, but at most the
        different rows. As many as the neighbours give if not given.
    seed : int
        Seed of everything random.

    Returns
    -------
    InstantTree
        One seed gives the same result.

    Raises
    ------
    InputError
        If k or `n_leaves` is out of range, no candidate is left, or the rows are not finite or
        all equal.
    """
    data = as_rows(rows)
    refuse_equal(data)
    first, copy_of = _distinct(data)
    data = data[first] if len(first) < len(data) else data
    drawn = _draw(len(first), seed)
    _check_k(k, len(drawn))
    _check_leaves(n_leaves, k or min(candidates, default=2))
    axes = fit_preparation(data, standardise=False, dimensions=DIMENSIONS, seed=seed)
    reduced = axes.apply(data[drawn] if len(drawn) < len(data) else data).astype(np.float32)
    links, _ = nearest(reduced, min(max(NEIGHBOUR_COUNTS), len(drawn) - 1))
    candidates = [c for c in candidates if n_leaves is None or c <= n_leaves]
    seen = look(links, [links], k=k, candidates=candidates, seed=seed)
    if len(drawn) < len(data):
        copy_of = _stand_ins(data, drawn, reduced, axes, seen)[copy_of]
    return _finish(Start(first[drawn], copy_of, links, seen), n_leaves, seed)


def _draw(n: int, seed: int) -> np.ndarray:
    if n <= WHOLE:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, DRAWN, replace=False))


def _stand_ins(
    data: np.ndarray, drawn: np.ndarray, reduced: np.ndarray, axes: Preparation, seen: Look
) -> np.ndarray:
    """Return for each row the drawn one whose place it takes; see `Start`."""
    found = np.empty(len(data), np.int64)
    found[drawn] = np.arange(len(drawn))
    others = np.setdiff1d(np.arange(len(data)), drawn, assume_unique=True)
    asked = np.empty((len(others), reduced.shape[1]), np.float32)
    for first in range(0, len(others), BLOCK):  # float64 copies stay small
        part = slice(first, first + BLOCK)
        asked[part] = axes.apply(data[others[part]])
    near, _ = nearest_in_cells(reduced, VOTERS, asked, probes=SEARCHED)
    clusters = seen.clusters[near]
    votes = (clusters[:, :, None] == clusters[:, None]).sum(axis=2)
    found[others] = near[np.arange(len(near)), votes.argmax(axis=1)]  # the first of the most
    return found


def _finish(start: Start, n_leaves: int | None, seed: int) -> InstantTree:
    seen, copy_of = start.look, start.copy_of
    links = start.links[:, : max(seen.neighbours)]
    least = max(2 * seen.k, n_leaves or 0)
    small = tree_of(links, seen.clusters, at_least=least, seed=seed)
    tree = ClusterTree(small.leaves[copy_of], small.children, small.losses)
    tree = tree.coarsened(n_leaves or tree.n_leaves)
    return InstantTree(
        tree,
        seen.k,
        tree.cut(seen.k),
        seen.confidence[copy_of],
        seen.agreement,
        seen.neighbours,
        seen.shortlist,
        start,
    )


def _distinct(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First row of each kind of equal rows, and for each row the number of its kind.

    Copies would be each other's neighbours and hide what lies around them.
    """
    kinds: dict[bytes, int] = {}
    copy_of = np.array([kinds.setdefault(row.tobytes(), len(kinds)) for row in data])
    return np.unique(copy_of, return_index=True)[1], copy_of


def _check_k(k: int | None, n: int) -> None:
    most = min(n, MOST_CLUSTERS)
    if k is not None and not 1 <= k <= most:
        raise InputError(
            f"k must be from 1 to {most} for a tree of {n} different images",
            got=str(k),
            do="Pass another k",
        )


def _check_leaves(n_leaves: int | None, least: int) -> None:
    if n_leaves is None:
        return
    if not (isinstance(n_leaves, (int, np.integer)) and least <= n_leaves <= MOST_LEAVES):
        raise InputError(
            f"n_leaves must be a whole number from {least} to {MOST_LEAVES}",
            got=repr(n_leaves),
            do="Pass another number, or leave it out",
        )
