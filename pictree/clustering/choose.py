"""How many clusters: a ranked shortlist with reasons, never one bare number."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from pictree.clustering.preparation import fit_preparation, refuse_equal
from pictree.errors import InputError
from pictree.neighbors import as_rows

AUTO = tuple(range(2, 21))
"""The candidates of ``auto``."""

DIMENSIONS = 50
SEEDS = 3
SILHOUETTE_ROWS = 2_000


@dataclass(frozen=True)
class Candidate:
    """One number of clusters and what speaks for it.

    Attributes
    ----------
    k : int
        Number of clusters.
    score : float or None
        Higher is better; comparable within one shortlist only. None where it was not measured.
    reason : str
        In words, with the figures behind the score.
    agreement : float or None
        Of the runs at this number of clusters (mean adjusted Rand index).
    """

    k: int
    score: float | None
    reason: str
    agreement: float | None = None


def parse_k(k: str | int) -> list[int]:
    """Read what a user says about the number of clusters.

    Parameters
    ----------
    k : str or int
        "auto" (2 to 20), a number, or a range such as "5:40", both ends included.

    Returns
    -------
    list of int
        Candidates, ascending; a single one is a fixed number.

    Raises
    ------
    InputError
        If it is none of these, a number below 1, or a range that is empty or starts below 2.

    Examples
    --------
    >>> parse_k("5:8")
    [5, 6, 7, 8]
    """
    text = str(k).strip()
    if text == "auto":
        return list(AUTO)
    found = re.fullmatch(r"([0-9]{1,9})(?::([0-9]{1,9}))?", text)
    if found and found[2] is None and int(found[1]) >= 1:
        return [int(found[1])]
    if found and found[2] is not None and 2 <= int(found[1]) <= int(found[2]):
        return list(range(int(found[1]), int(found[2]) + 1))
    raise InputError(
        "k must be auto, a number such as 10, or a range such as 5:40 that starts at 2 or more",
        got=repr(k),
        do="Pass one of these",
    )


def choose_k(
    codes: np.ndarray, candidates: Sequence[int], *, seed: int = 0, sample: int = 10_000
) -> list[Candidate]:
    """Rank numbers of clusters by k-means, without any known label.

    For each candidate k-means runs with three seeds on the first 50 principal components of at
    most `sample` codes. The score is the silhouette (Rousseeuw 1987; of at most 2,000 of the
    codes, mean over the seeds, at least 0) times the agreement (mean adjusted Rand index of the
    seeds' clusters, at least 0): clusters that stand apart and come back each time.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
        Finite numbers.
    candidates : sequence of int
        Numbers of clusters; those above n - 1, or above the number of different codes, are left
        out.
    seed : int
        Seed of the draws and of the first k-means.
    sample : int
        Most codes used.

    Returns
    -------
    list of Candidate
        Best first; equal scores: the smaller k.

    Raises
    ------
    InputError
        If no candidate is left, or the codes are not finite numbers, or all equal.
    """
    from sklearn.metrics import pairwise_distances

    rows = as_rows(codes)
    refuse_equal(rows)
    generator = np.random.default_rng(seed)
    if len(rows) > sample:
        rows = rows[np.sort(generator.choice(len(rows), sample, replace=False))]
    reduced = fit_preparation(rows, standardise=False, dimensions=DIMENSIONS, seed=seed).apply(rows)
    reduced = reduced.astype(np.float32)
    most = min(len(reduced) - 1, len(np.unique(reduced, axis=0)))
    tried = sorted({int(k) for k in candidates if 2 <= k <= most})
    if not tried:
        raise InputError(
            f"a k to try must be from 2 to {most} for these codes",
            got=", ".join(map(str, candidates)) or "none",
            do="Pass more images, or another k",
        )
    chosen = np.sort(generator.permutation(len(reduced))[:SILHOUETTE_ROWS])
    distances = pairwise_distances(reduced[chosen])
    found = [_measure(reduced, chosen, distances, k, seed) for k in tried]
    return sorted(found, key=lambda candidate: (-(candidate.score or 0.0), candidate.k))


def _measure(
    rows: np.ndarray, chosen: np.ndarray, distances: np.ndarray, k: int, seed: int
) -> Candidate:
    from sklearn.cluster import KMeans
    from sklearn.metrics import adjusted_rand_score
    from threadpoolctl import threadpool_limits

    # So little work for each of many steps is done sooner by one thread.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        found = [KMeans(k, n_init=1, random_state=seed + i).fit_predict(rows) for i in range(SEEDS)]
    apart = float(np.mean([_silhouette(distances, labels[chosen]) for labels in found]))
    agreement = float(np.mean([adjusted_rand_score(a, b) for a, b in combinations(found, 2)]))
    reason = (
        f"silhouette {apart:.3f} on {len(chosen):,} images, "
        f"agreement {agreement:.2f} of {SEEDS} seeds"
    )
    return Candidate(k, max(apart, 0.0) * max(agreement, 0.0), reason, agreement)


def _silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    from sklearn.metrics import silhouette_score

    parts = len(np.unique(labels))
    if not 2 <= parts < len(labels):
        return 0.0
    return float(silhouette_score(distances, labels, metric="precomputed"))
