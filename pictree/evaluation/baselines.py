"""What the plainest methods reach on the same pictures: k-means on pixels, their PCA, codes."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from pictree.errors import InputError
from pictree.evaluation.agreement import score
from pictree.neighbors import principal_axes

Table = Callable[[np.ndarray], np.ndarray]
"""Numbers of rows to the rows themselves, float32."""

PCA_DIMENSIONS = 50
_BLOCK = 8_192
SCORED = 100_000
"""Above this many images, the scores are those of this many, drawn at random."""

ONE_THREAD = 4_000_000
"""Above this many numbers (rows x columns) k-means starts on the principal axes."""

ON_CODES = "k-means on these codes"
FLOORS = {
    "tree": "the instant tree, before learning",
    "kmeans": "k-means on the codes, before refining",
}
"""What learning had to beat, by the method of the first clusters."""


@dataclass(frozen=True)
class Baseline:
    """One plain method, run with several seeds.

    Attributes
    ----------
    name : str
        The method in words.
    scores : dict of float
        ``acc``, ``ari``, ``nmi``, ``purity``: means over the seeds; empty without known labels.
    deviations : dict of float
        Standard deviations over the seeds, same keys.
    agreement : float
        Mean adjusted Rand index between the seeds' clusterings; 1.0 for a single seed.
    """

    name: str
    scores: dict[str, float]
    deviations: dict[str, float]
    agreement: float


def seed_agreement(labelings: Sequence[np.ndarray]) -> float:
    """Mean adjusted Rand index over all pairs of clusterings of the same rows.

    Parameters
    ----------
    labelings : sequence of ndarray of int, each of shape (n,)
        At least one.

    Returns
    -------
    float
        From -0.5 to 1; 1.0 for a single clustering.

    Raises
    ------
    InputError
        If there is no clustering.
    """
    from sklearn.metrics import adjusted_rand_score

    if len(labelings) == 0:
        raise InputError("there must be at least one clustering", got="none", do="Pass one or more")
    pairs = combinations(labelings, 2)
    return float(np.mean([adjusted_rand_score(a, b) for a, b in pairs] or [1.0]))


def baselines(
    pixels: Any,
    k: int,
    known: Sequence | None = None,
    *,
    codes: np.ndarray | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    sample: int = 20_000,
) -> list[Baseline]:
    """Cluster the pixels themselves, to see what a result is worth.

    Parameters
    ----------
    pixels : array-like of uint8 or float, shape (n, d) or (n, h, w, c)
        Read some thousand images at a time.
    k : int
        Number of clusters; n where there are fewer images.
    known : sequence of str, int or None, length n, optional
        Known labels, for scoring alone.
    codes : ndarray of float32, shape (n, c), optional
        Codes from elsewhere, to see what they are worth without our clustering.
    seeds : sequence of int
        One run (k-means++, 3 starts) for each.
    sample : int
        Above this many images, PCA and k-means are fitted on this many, drawn with the first
        seed; all images, but at most `SCORED`, are then put into their nearest cluster.

    Returns
    -------
    list of Baseline
        "k-means on pixels", then "k-means on PCA-50 of pixels" (fewer dimensions where the
        images or the pixels are fewer; the name tells the number), then "k-means on these codes"
        where there are some.
    """
    fitted = _drawn(len(pixels), sample, seeds[0])
    axes = principal_axes(_flat(pixels, fitted), PCA_DIMENSIONS).T
    dimensions = axes.shape[1]
    tables: dict[str, Table] = {
        "k-means on pixels": lambda rows: _flat(pixels, rows),
        f"k-means on PCA-{dimensions} of pixels": lambda rows: _flat(pixels, rows) @ axes,
    }
    if codes is not None:
        tables[ON_CODES] = lambda rows: _flat(codes, rows)
    scored = _drawn(len(pixels), SCORED, seeds[0])
    labels = None if known is None else [known[i] for i in scored]
    return [
        _run(name, table, axes if "on pixels" in name else None, scored, fitted, k, labels, seeds)
        for name, table in tables.items()
    ]


def _drawn(n: int, most: int, seed: int) -> np.ndarray:
    if n <= most:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).choice(n, most, replace=False))


def _flat(values: Any, rows: np.ndarray) -> np.ndarray:
    return values[rows].reshape(len(rows), -1).astype(np.float32)


def _run(
    name: str,
    table: Table,
    axes: np.ndarray | None,
    scored: np.ndarray,
    fitted: np.ndarray,
    k: int,
    known: Sequence | None,
    seeds: Sequence[int],
) -> Baseline:
    part = table(fitted)
    models = _kmeans(part, axes, min(k, len(fitted)), seeds)
    found = np.empty((len(seeds), len(scored)), np.int32)
    for first in range(0, len(scored), _BLOCK):
        block = table(scored[first : first + _BLOCK])
        found[:, first : first + _BLOCK] = [model.predict(block) for model in models]
    results = [score(labels, known) for labels in found] if known is not None else []
    names = results[0] if results else {}
    return Baseline(
        name,
        {key: float(np.mean([r[key] for r in results])) for key in names},
        {key: float(np.std([r[key] for r in results])) for key in names},
        seed_agreement(list(found)),
    )


def _kmeans(rows: np.ndarray, axes: np.ndarray | None, k: int, seeds: Sequence[int]) -> list[Any]:
    """Fit k-means once for each seed, the best of three starts.

    Of many numbers only the best start is gone on with: it is found on the principal axes.
    """
    if rows.size <= ONE_THREAD or rows.shape[1] <= PCA_DIMENSIONS:
        return [_lloyd(rows, k, "k-means++", 3, seed) for seed in seeds]
    axes = principal_axes(rows, PCA_DIMENSIONS).T if axes is None else axes
    reduced, models = rows @ axes, []
    for seed in seeds:
        best = _lloyd(reduced, k, "k-means++", 3, seed).labels_
        start = np.stack([rows[best == j].mean(axis=0) for j in range(k)])
        models.append(_lloyd(rows, k, start, 1, seed))
    return models


def _lloyd(rows: np.ndarray, k: int, init: Any, starts: int, seed: int) -> Any:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # With few numbers the work of a step is so little that one thread does it sooner.
    threads = 1 if rows.size <= ONE_THREAD else None
    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, init=init, n_init=starts, random_state=seed).fit(rows)
