"""The instant tree: look, merge, vote. Clusters and their tree in seconds, nothing is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pictree.clustering.choose import Candidate
from pictree.clustering.leaves import MOST_LEAVES, find_leaves, neighbour_graph, renumber
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.preparation import fit_preparation, refuse_equal
from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import Agreement, agreement_by_k, vote
from pictree.errors import InputError
from pictree.neighbors import as_rows, nearest

DIMENSIONS = 50
NEIGHBOUR_COUNTS = (3, 5, 7, 10)
"""Runs with two counts that follow each other vote together; agreement picks the two."""

RESOLUTIONS = (2.0, 4.0)
SEEDS = 3
FINE_RESOLUTION = 8.0
"""Resolution of the leaves of the final tree."""

CANDIDATES = tuple(range(2, 31))
MOST_CLUSTERS = 250
DISTRUST = 6
"""Power of the agreement in the score of a k; see `instant_tree`."""


@dataclass(frozen=True)
class InstantTree:
    """Clusters that a dozen runs voted for, and a tree that has them as a cut.

    Attributes
    ----------
    tree : ClusterTree
        Its cut at `k` is exactly `clusters`.
    k : int
        Number of clusters; less than asked for where a cluster lost all its rows in the vote.
    clusters : ndarray of int32, shape (n,)
        Cluster of each row, numbered by size from 0, the largest.
    confidence : ndarray of float32, shape (n,)
        Share of the votes that the row's cluster got.
    agreement : float
        Mean adjusted Rand index between the runs at `k`: near 1 they say the same, below some
        .5 the clusters should not be believed.
    neighbours : tuple of int
        The neighbour counts whose runs agreed most.
    shortlist : list of Candidate
        Numbers of clusters, best first, with reasons.
    """

    tree: ClusterTree
    k: int
    clusters: np.ndarray
    confidence: np.ndarray
    agreement: float
    neighbours: tuple[int, ...]
    shortlist: list[Candidate]


@dataclass(frozen=True)
class _Panel:
    """Runs that vote together, and how far they agree at each k."""

    neighbours: tuple[int, ...]
    trees: list[ClusterTree]
    agreement: dict[int, Agreement]


def instant_tree(
    rows: np.ndarray,
    *,
    k: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    n_leaves: int | None = None,
    seed: int = 0,
) -> InstantTree:
    """Cluster rows by what their neighbours tell, without training and without any known label.

    1. Exact nearest neighbours on the first 50 principal components of the different rows
       (copies of a row go where it goes). For 3, 5, 7 and 10
       neighbours, resolutions 2 and 4 and three seeds: Louvain's communities are leaves, merged
       by least relative loss of information (`pictree.clustering.merge`): 24 trees.
    2. The 12 trees of two neighbour counts that follow each other are a panel. The panel that
       agrees most (mean adjusted Rand index at k) votes on each row.
    3. The final tree: leaves at resolution 8, split where the vote splits them, merged inside
       the voted clusters first.

    The score of a k is the panel's agreement to the power of 6 times the mutual information of
    its runs: agreement alone favours few clusters (two coarse halves agree easily), information
    alone many. The power was set on subsets of digits, clothes and objects, and is not tuned to
    any one data set.

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
    _check_k(k, len(data))
    _check_leaves(n_leaves, k or min(candidates, default=2))
    reduced = fit_preparation(data, standardise=False, dimensions=DIMENSIONS, seed=seed).apply(data)
    widest = min(max(NEIGHBOUR_COUNTS), len(data) - 1)
    indices, _ = nearest(reduced.astype(np.float32), widest)
    candidates = [c for c in candidates if n_leaves is None or c <= n_leaves]
    panels = _panels(indices, k, candidates, seed)
    shortlist, best = _shortlist(panels, candidates)
    if k is not None:
        best = max(panels, key=lambda panel: panel.agreement[k].mean)
    return _decide(indices, copy_of, best, k or shortlist[0].k, shortlist, n_leaves, seed)


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


def _panels(
    indices: np.ndarray, k: int | None, candidates: Sequence[int], seed: int
) -> list[_Panel]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # many small steps: threads would only wait for each other
        counts = sorted({min(count, indices.shape[1]) for count in NEIGHBOUR_COUNTS})
        runs = {count: _runs(indices[:, :count], k, seed) for count in counts}
        most = min(tree.n_leaves for trees in runs.values() for tree in trees)
        ks = sorted({c for c in candidates if 2 <= c <= most} | ({k} if k else set()))
        if not ks:
            raise InputError(
                f"a k to try must be from 2 to {most} for these images",
                got=", ".join(map(str, candidates)) or "none",
                do="Pass another k",
            )
        pairs: list[tuple[int, ...]] = [*pairwise(counts)] or [(counts[0],)]
        return [_panel(pair, runs, ks) for pair in pairs]


def _panel(pair: tuple[int, ...], runs: dict[int, list[ClusterTree]], ks: list[int]) -> _Panel:
    trees = [tree for count in pair for tree in runs[count]]
    return _Panel(pair, trees, agreement_by_k(trees, ks))


def _runs(indices: np.ndarray, k: int | None, seed: int) -> list[ClusterTree]:
    graph = neighbour_graph(indices)
    found = []
    for resolution in RESOLUTIONS:
        for run in range(SEEDS):
            leaves = find_leaves(
                graph, resolution=resolution, at_least=2 * (k or 2), seed=seed * SEEDS + run
            )
            found.append(ClusterTree(leaves, *merge(joint_shares(graph, leaves))))
    return found


def _shortlist(panels: list[_Panel], candidates: Sequence[int]) -> tuple[list[Candidate], _Panel]:
    """Candidates of the panel whose best candidate scores most, and that panel."""
    ranked = [(_rank(panel, set(candidates)), panel) for panel in panels]
    return max(ranked, key=lambda pair: (pair[0][0].score or 0.0) if pair[0] else -1.0)


def _rank(panel: _Panel, candidates: set[int]) -> list[Candidate]:
    found = []
    for k, agreement in panel.agreement.items():
        if k in candidates:
            score = max(agreement.mean, 0.0) ** DISTRUST * agreement.information
            reason = (
                f"{len(panel.trees)} runs agree {max(agreement.mean, 0.0):.0%} "
                f"and share {agreement.information:.2f} nats"
            )
            found.append(Candidate(k, score, reason))
    return sorted(found, key=lambda candidate: (-(candidate.score or 0.0), candidate.k))


def _decide(
    indices: np.ndarray,
    copy_of: np.ndarray,
    panel: _Panel,
    k: int,
    shortlist: list[Candidate],
    n_leaves: int | None,
    seed: int,
) -> InstantTree:
    agreement = panel.agreement[k]
    voted, confidence = vote([tree.cut(k) for tree in panel.trees], agreement.each)
    parts = renumber(voted)
    count = int(parts.max()) + 1
    graph = neighbour_graph(indices[:, : max(panel.neighbours)])
    least = max(2 * k, n_leaves or 0)
    fine = find_leaves(graph, resolution=FINE_RESOLUTION, at_least=least, seed=seed)
    leaves = renumber(fine.astype(np.int64) * count + parts)
    first = np.unique(leaves, return_index=True)[1]
    children, losses = merge(joint_shares(graph, leaves), parts[first])
    tree = ClusterTree(leaves[copy_of], children, losses)
    tree = tree.coarsened(n_leaves or tree.n_leaves)
    return InstantTree(
        tree,
        count,
        tree.cut(count),
        confidence[copy_of],
        agreement.mean,
        panel.neighbours,
        shortlist,
    )
