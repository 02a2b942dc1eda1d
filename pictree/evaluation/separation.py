"""How well clusters stand apart, without any known label: the silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pictree.errors import InputError

_BLOCK_MB = 64
"""Memory for the distances, which are computed block by block."""


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
        repetition. The time grows with its square: some 3 s for 10,000.
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
    from sklearn import config_context
    from sklearn.metrics import silhouette_score

    n, parts = len(found), len(np.unique(found))
    if parts < 2:
        reason = "all images are noise" if parts == 0 else "there is only one cluster"
        return Silhouette(None, n, sampled, reason)
    if parts == n:
        return Silhouette(None, n, sampled, "every cluster holds a single image")
    with config_context(working_memory=_BLOCK_MB):  # 1,024 MB by default
        value = float(silhouette_score(rows, found))
    return Silhouette(value, n, sampled)
