"""One look at a neighbour graph: two dozen trees, the panel that agrees, and its vote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from pictree.clustering.choose import Candidate
from pictree.clustering.leaves import find_leaves, neighbour_graph, renumber
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.runs import runs_of
from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import Agreement, agreement_by_k, vote
from pictree.errors import InputError

NEIGHBOUR_COUNTS = (3, 5, 7, 10)
"""Runs with two counts that follow each other vote together; agreement picks the two."""

FINE_RESOLUTION = 8.0
"""Resolution of the leaves of the final tree."""

CANDIDATES = tuple(range(2, 31))
DISTRUST = 6
"""Power of the agreement in the score of a k; see `look`."""

HIGHEST_JUMP = 10.0
"""Where a merge loses next to nothing, the ratio to it says no more than this."""


@dataclass(frozen=True)
class Look:
    """What the panel of a dozen runs says.

    Attributes
    ----------
    trees : list of ClusterTree
        The runs of the panel.
    voters : list of ClusterTree
        Those that voted: the panel, and the runs that merged the same leaves by other evidence.
    k : int
        Number of clusters: what was asked for, or the best of the shortlist.
    clusters : ndarray of int32, shape (n,)
        What they voted for, numbered by size; fewer than k where a cluster lost all its
        rows in the vote.
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

    trees: list[ClusterTree]
    voters: list[ClusterTree]
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
    evidence: int
    trees: list[ClusterTree]
    agreement: dict[int, Agreement]
    jump: dict[int, float]


def look(
    links: np.ndarray,
    evidence: Sequence[np.ndarray],
    *,
    k: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    voting: Sequence[int] | None = None,
    before: Sequence[Candidate] = (),
    seed: int = 0,
) -> Look:
    """Find leaves in a neighbour graph, merge them by what each graph tells, and let trees vote.

    For 3, 5, 7 and 10 neighbours, resolutions 2 and 4 and three seeds: Louvain's communities are
    leaves, merged by least relative loss of information (`pictree.clustering.merge`): 24 trees for
    each graph of the evidence. The 12 trees of one evidence and two neighbour counts that follow
    each other are a panel. The panel that agrees most (mean adjusted Rand index at k) decides on
    the counts; the panels of all evidence with these counts vote on each row.

    The score of a k is the mean over the panels of A⁶ · I · √J: the agreement A of a panel's runs,
    their mutual information I, and the jump J, which is what the merge from k to k - 1 clusters
    loses over what the merge to k lost. Agreement alone favours few clusters (two coarse halves
    agree easily), information alone many; the jump is the elbow of the tree. The powers were
    chosen on 35 piles of 2 to 20 kinds (digits, clothes, objects), where any power of A from 4
    to 8 and of J from a half to 2 does about as well.

    Parameters
    ----------
    links : ndarray of int32, shape (n, q)
        Each row's nearest other rows, nearest first, in which leaves are found.
    evidence : sequence of ndarray of int32, each of shape (n, q)
        The neighbours by which leaves merge: `links` again and, where those are of learned codes,
        which may confirm themselves, the neighbours of the raw pixels.
    k : int, optional
        Number of clusters; the best of the shortlist if not given.
    candidates : sequence of int
        What the shortlist ranks (from 2); those above the least number of leaves of any run are
        left out.
    voting : sequence of int, optional
        Which evidence votes, by its place; all by default. The rest tells how far runs agree.
    before : sequence of Candidate
        Shortlist of an earlier look, if any; a k's score is the geometric mean of its score there
        and, twice, here.
    seed : int
        Seed of everything random.

    Returns
    -------
    Look

    Raises
    ------
    InputError
        If no candidate is left.
    """
    panels = _panels(links, evidence, k, candidates, seed)
    shortlist = _shortlist(panels, candidates, before)
    chosen = k or shortlist[0].k
    best = max(panels, key=lambda panel: panel.agreement[chosen].mean)
    voting = range(len(evidence)) if voting is None else voting
    heard = [p for p in panels if p.neighbours == best.neighbours and p.evidence in voting]
    voters = [tree for panel in heard for tree in panel.trees]
    clusters, confidence = vote_of(voters, chosen)
    return Look(
        best.trees,
        voters,
        chosen,
        clusters,
        confidence,
        best.agreement[chosen].mean,
        best.neighbours,
        shortlist,
    )


def vote_of(trees: Sequence[ClusterTree], k: int) -> tuple[np.ndarray, np.ndarray]:
    """Let trees vote, each with the weight of its agreement with the others.

    Parameters
    ----------
    trees : sequence of ClusterTree
        Over the same rows.
    k : int

    Returns
    -------
    clusters : ndarray of int32, shape (n,)
        Numbered by size; fewer than k where a cluster lost all its rows in the vote.
    confidence : ndarray of float32, shape (n,)
        Share of the votes that the row's cluster got.
    """
    weights = agreement_by_k(trees, [k])[k].each
    voted, confidence = vote([tree.cut(k) for tree in trees], weights)
    return renumber(voted), confidence


def tree_of(links: np.ndarray, clusters: np.ndarray, *, at_least: int, seed: int) -> ClusterTree:
    """Make the tree that has given clusters as one of its cuts.

    Parameters
    ----------
    links : ndarray of int32, shape (n, q)
        As in `look`; all columns are read.
    clusters : ndarray of int32, shape (n,)
        Numbered from 0.
    at_least : int
        Fewest leaves, where there are as many rows.
    seed : int

    Returns
    -------
    ClusterTree
        Leaves at resolution 8, split where the clusters split them, merged inside the clusters
        first.
    """
    count = int(clusters.max()) + 1
    graph = neighbour_graph(links)
    fine = find_leaves(graph, resolution=FINE_RESOLUTION, at_least=at_least, seed=seed)
    leaves = renumber(fine.astype(np.int64) * count + clusters)
    first = np.unique(leaves, return_index=True)[1]
    return ClusterTree(leaves, *merge(joint_shares(graph, leaves), clusters[first]))


def _panels(
    links: np.ndarray,
    evidence: Sequence[np.ndarray],
    k: int | None,
    candidates: Sequence[int],
    seed: int,
) -> list[_Panel]:
    from threadpoolctl import threadpool_limits

    counts = sorted({min(count, links.shape[1]) for count in NEIGHBOUR_COUNTS})
    runs = runs_of(links, evidence, counts, at_least=2 * (k or 2), seed=seed)
    most = min(tree.n_leaves for both in runs.values() for trees in both for tree in trees)
    ks = sorted({c for c in candidates if 2 <= c <= most} | ({k} if k else set()))
    if not ks:
        raise InputError(
            f"a k to try must be from 2 to {most} for these images",
            got=", ".join(map(str, candidates)) or "none",
            do="Pass another k",
        )
    pairs: list[tuple[int, ...]] = [*pairwise(counts)] or [(counts[0],)]
    with threadpool_limits(1):  # many small steps: threads would only wait for each other
        return [
            _panel(pair, i, [runs[count][i] for count in pair], ks)
            for pair in pairs
            for i in range(len(evidence))
        ]


def _panel(
    pair: tuple[int, ...], evidence: int, runs: list[list[ClusterTree]], ks: list[int]
) -> _Panel:
    trees = [tree for trees in runs for tree in trees]
    jump = {k: _jump(trees, k) for k in ks}
    return _Panel(pair, evidence, trees, agreement_by_k(trees, ks), jump)


def _jump(trees: list[ClusterTree], k: int) -> float:
    """How many times as much the merge of k clusters loses as the merge that made them k."""
    finer = [tree for tree in trees if tree.n_leaves > k]
    lost = sum(float(tree.losses[-(k - 1)]) for tree in finer) if k > 1 else 0.0
    before = sum(float(tree.losses[-k]) for tree in finer)
    return min(lost / before, HIGHEST_JUMP) if before > 0 else 1.0


def _shortlist(
    panels: list[_Panel], candidates: Sequence[int], before: Sequence[Candidate]
) -> list[Candidate]:
    ks = sorted(set(candidates) & set(panels[0].agreement))
    found = [_candidate(panels, k) for k in ks]
    if before:
        earlier = {candidate.k: candidate.score or 0.0 for candidate in before}
        found = [replace(c, score=_weighed(c.score, earlier.get(c.k))) for c in found]
    return sorted(found, key=lambda candidate: (-(candidate.score or 0.0), candidate.k))


def _weighed(now: float | None, before: float | None) -> float:
    return float(np.cbrt((now or 0.0) ** 2 * (before or 0.0)))


def _candidate(panels: list[_Panel], k: int) -> Candidate:
    agreement = np.array([max(panel.agreement[k].mean, 0.0) for panel in panels])
    information = np.array([panel.agreement[k].information for panel in panels])
    jump = np.array([panel.jump[k] for panel in panels])
    score = float((agreement**DISTRUST * information * np.sqrt(jump)).mean())
    best = max(panel.agreement[k].mean for panel in panels)  # as `Look.agreement` is
    reason = (
        f"agreement {best:.2f}, information {information.mean():.2f}; one cluster less would lose "
        f"{jump.mean():.1f} times as much as the merge before"
    )
    return Candidate(k, score, reason, best)
