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
ONE_THREAD = 4_000_000
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
        seed; all images are then put into their nearest cluster.

    Returns
    -------
    list of Baseline
        "k-means on pixels", then "k-means on PCA-50 of pixels" (fewer dimensions where the
        images or the pixels are fewer; the name tells the number), then "k-means on these codes"
        where there are some.
    """
    fitted = np.arange(len(pixels))
    if len(pixels) > sample:
        fitted = np.sort(np.random.default_rng(seeds[0]).choice(fitted, sample, replace=False))
    axes = principal_axes(_flat(pixels, fitted), PCA_DIMENSIONS).T
    dimensions = axes.shape[1]
    tables: dict[str, Table] = {
        "k-means on pixels": lambda rows: _flat(pixels, rows),
        f"k-means on PCA-{dimensions} of pixels": lambda rows: _flat(pixels, rows) @ axes,
    }
    if codes is not None:
        tables[ON_CODES] = lambda rows: _flat(codes, rows)
    return [
        _run(name, table, len(pixels), fitted, k, known, seeds) for name, table in tables.items()
    ]


def _flat(values: Any, rows: np.ndarray) -> np.ndarray:
    return values[rows].reshape(len(rows), -1).astype(np.float32)


def _run(
    name: str,
    table: Table,
    n: int,
    fitted: np.ndarray,
    k: int,
    known: Sequence | None,
    seeds: Sequence[int],
) -> Baseline:
    part = table(fitted)
    models = [_kmeans(part, min(k, len(fitted)), seed) for seed in seeds]
    found = np.empty((len(seeds), n), np.int32)
    for first in range(0, n, _BLOCK):
        rows = np.arange(first, min(first + _BLOCK, n))
        block = table(rows)
        found[:, rows] = [model.predict(block) for model in models]
    results = [score(labels, known) for labels in found] if known is not None else []
    names = results[0] if results else {}
    return Baseline(
        name,
        {key: float(np.mean([r[key] for r in results])) for key in names},
        {key: float(np.std([r[key] for r in results])) for key in names},
        seed_agreement(list(found)),
    )


def _kmeans(rows: np.ndarray, k: int, seed: int) -> Any:
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    # With few numbers the work of a step is so little that one thread does it sooner.
    threads = 1 if rows.size <= ONE_THREAD else None
    with warnings.catch_warnings(), threadpool_limits(threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        return KMeans(k, n_init=3, random_state=seed).fit(rows)
