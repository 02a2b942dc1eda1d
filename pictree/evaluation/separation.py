"""How well clusters stand apart, without any known label: the silhouette."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from pictree.cores import free_cores
from pictree.errors import InputError
from pictree.exhaustive import COARSEST, FINEST, ROUNDING

_BLOCK_MB = 64
"""Memory for the distances, which are computed block by block."""

_MANY = 2_000
"""Rows from which each pair is measured once, by float32 products, as `pictree.exhaustive` does."""

_BLOCK = 1_024
_MOST_ROUNDING, _MOST_UNSURE = 1e-4, 0.01
"""Of the mean distance within the cluster, squared; share of the rows that may have more."""


@dataclass(frozen=True)
class Silhouette:
    """A silhouette and what it was measured on.

    Attributes
    ----------
    value : float or None
        From -1 to 1, higher is better; None where it can't be computed.
    n : int
        Number of rows measured.
    sampled : bool
        True where `n` rows were drawn from more.
    reason : str
        Why there is no value; empty where there is one.
    """

    value: float | None
    n: int
    sampled: bool
    reason: str = ""


def silhouette(
    codes: np.ndarray, clusters: np.ndarray, *, sample: int = 10_000, seed: int = 0
) -> Silhouette:
    """Mean silhouette (Rousseeuw 1987) of a clustering, exact up to `sample` rows.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
        Finite numbers.
    clusters : ndarray of int, shape (n,)
        The clusters' numbers; rows of noise (-1) are left out.
    sample : int
        Above this many rows (noise not counted), measure on this many, drawn at random without
        repetition. The time grows with its square: about 1 s for 10,000.
    seed : int
        Seed of the draw.

    Returns
    -------
    Silhouette
        Its `value` is None, with the reason, where the rows measured are all in one cluster or
        each in its own.

    Raises
    ------
    InputError
        If codes and clusters differ in length.
    """
    rows, found = np.asarray(codes), np.asarray(clusters)
    if len(rows) != len(found):
        raise InputError(
            "codes and clusters must have the same length",
            got=f"{len(rows)} and {len(found)}",
            do="Pass one cluster number for each row",
        )
    kept = np.flatnonzero(found >= 0)
    sampled = len(kept) > sample
    if sampled:
        kept = np.sort(np.random.default_rng(seed).choice(kept, sample, replace=False))
    return _measure(rows[kept], found[kept], sampled)


def _measure(rows: np.ndarray, found: np.ndarray, sampled: bool) -> Silhouette:
    n, parts = len(found), len(np.unique(found))
    if parts < 2:
        reason = "all images are noise" if parts == 0 else "there is only one cluster"
        return Silhouette(None, n, sampled, reason)
    if parts == n:
        return Silhouette(None, n, sampled, "every cluster holds a single image")
    value = _by_products(rows, found) if n >= _MANY else None
    return Silhouette(_exactly(rows, found) if value is None else value, n, sampled)


def _exactly(rows: np.ndarray, found: np.ndarray) -> float:
    from sklearn import config_context
    from sklearn.metrics import silhouette_score

    with config_context(working_memory=_BLOCK_MB):  # 1,024 MB by default
        return float(silhouette_score(rows, found))


def _by_products(rows: np.ndarray, found: np.ndarray) -> float | None:
    """Return the mean silhouette by float32 products; None where rounding could be seen in it."""
    _, of, counts = np.unique(found, return_inverse=True, return_counts=True)
    centred = (rows - rows.mean(axis=0, dtype=np.float64)).astype(np.float32)
    squares = np.einsum("ij,ij->i", centred, centred)
    if not FINEST < squares.max() < COARSEST:
        return None
    sums = _sums(centred, squares, np.eye(len(counts), dtype=np.float32)[of])
    at, own = np.arange(len(of)), counts[of]
    inside = sums[at, of] / np.maximum(own - 1, 1)
    sums[at, of] = np.inf
    outside = (sums / np.where(np.isinf(sums), 1, counts)).min(axis=1)
    rounding = ROUNDING * (np.sqrt(squares) + np.sqrt(squares.max())) ** 2
    if np.mean((rounding > _MOST_ROUNDING * inside**2) & (own > 1)) > _MOST_UNSURE:
        return None
    apart = (outside - inside) / np.maximum(np.maximum(outside, inside), 1e-30)
    return float(np.where(own > 1, apart, 0).mean())


def _sums(rows: np.ndarray, squares: np.ndarray, member: np.ndarray) -> np.ndarray:
    """Add up each row's distances to each cluster's rows, float64 (n, clusters)."""
    from threadpoolctl import threadpool_limits

    starts = range(0, len(rows), _BLOCK)
    pairs = [(a, b) for a in starts for b in starts if a <= b]
    sums = np.zeros(member.shape)

    def of_pair(pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        first, second = (slice(start, start + _BLOCK) for start in pair)
        apart = rows[first] @ rows[second].T
        apart *= -2
        apart += squares[first, None]
        apart += squares[None, second]
        np.sqrt(np.maximum(apart, 0, out=apart), out=apart)
        if first == second:
            np.fill_diagonal(apart, 0)
        return apart @ member[second], apart.T @ member[first]

    with ThreadPoolExecutor(free_cores()) as pool, threadpool_limits(1):
        for (first, second), (there, back) in zip(pairs, pool.map(of_pair, pairs), strict=True):
            sums[first : first + _BLOCK] += there
            if first != second:
                sums[second : second + _BLOCK] += back
    return sums
