"""Pictures that lie apart: far from their tenth neighbour and badly restored, for their cluster."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pictree.evaluation.robust import deviations

LIMIT = 3.0
"""Robust deviations above the middle of the cluster; on a logarithmic scale."""
_SMALLEST = 1e-9


@dataclass(frozen=True)
class Outliers:
    """How far each picture lies apart.

    Attributes
    ----------
    by_distance : ndarray of float64, shape (n,)
        Robust deviations of the logarithm of its distance to the tenth neighbour, from the
        middle of its cluster.
    by_error : ndarray of float64, shape (n,), or None
        The same of the reconstruction error; None where nothing was reconstructed.
    score : ndarray of float64, shape (n,)
        Both together: their sum over the root of two, or the first alone.
    rows : ndarray of int64, shape (m,)
        Those with a score above `LIMIT`, the farthest first.
    """

    by_distance: np.ndarray
    by_error: np.ndarray | None
    score: np.ndarray
    rows: np.ndarray


def outliers(
    distances: np.ndarray, clusters: np.ndarray, errors: np.ndarray | None = None
) -> Outliers:
    """Find the pictures that lie apart.

    Parameters
    ----------
    distances : ndarray of float, shape (n,)
        To the tenth neighbour, in code units (Ramaswamy, Rastogi & Shim 2000).
    clusters : ndarray of int, shape (n,)
    errors : ndarray of float, shape (n,), optional
        Of reconstruction.
    """
    by_distance = _apart(distances, clusters)
    return _listed(by_distance, None if errors is None else _apart(errors, clusters))


def mean_of(first: Outliers, second: Outliers) -> Outliers:
    """Return what two kinds of codes of the same pictures say together: the mean of each figure.

    Parameters
    ----------
    first, second : Outliers
        Both with errors, or both without.
    """
    by_distance = (first.by_distance + second.by_distance) / 2
    if first.by_error is None or second.by_error is None:
        return _listed(by_distance, None)
    return _listed(by_distance, (first.by_error + second.by_error) / 2)


def _listed(by_distance: np.ndarray, by_error: np.ndarray | None) -> Outliers:
    score = by_distance if by_error is None else (by_distance + by_error) / np.sqrt(2)
    rows = np.flatnonzero(score > LIMIT)
    return Outliers(by_distance, by_error, score, rows[np.argsort(-score[rows], kind="stable")])


def _apart(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    return deviations(np.log(np.maximum(values, _SMALLEST)), clusters)
