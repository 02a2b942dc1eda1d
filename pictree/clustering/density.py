"""HDBSCAN: clusters as dense regions, the rest is noise."""

from __future__ import annotations

import numpy as np

from pictree.lookup import Lookup

DIMENSIONS = 20
"""Wider codes are reduced to this many principal components first."""

FITTED_ROWS = 20_000
"""Above this many rows HDBSCAN is fitted on this many, drawn at random."""


def fit_density(rows: np.ndarray, *, seed: int) -> dict[str, np.ndarray]:
    """Find dense regions by HDBSCAN (Campello et al. 2013).

    A cluster has at least a hundredth of the rows, and at least 5. HDBSCAN finds
    the number of clusters by itself; where there are no two it calls all rows noise.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, d)
        Prepared codes, d at most 20; above 20,000 rows, 20,000 drawn at random are fitted.
    seed : int
        Seed of the draw.

    Returns
    -------
    dict of ndarray
        ``fitted`` float32 (m, d), the rows fitted, and ``found`` int32 (m,), their clusters, -1
        for noise.
    """
    from sklearn.cluster import HDBSCAN

    if len(rows) > FITTED_ROWS:
        rows = np.random.default_rng(seed).choice(rows, FITTED_ROWS, replace=False)
    model = HDBSCAN(
        min_cluster_size=max(5, len(rows) // 100),
        min_samples=5,
        algorithm="brute" if len(rows) <= 2000 else "kd_tree",
        copy=True,
    ).fit(rows)
    return {"fitted": rows.astype(np.float32), "found": model.labels_.astype(np.int32)}


def densest(rows: np.ndarray, fitted: Lookup, found: np.ndarray) -> np.ndarray:
    """Put each row where its nearest fitted row is, noise (-1) where that is noise.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, d)
        Prepared codes.
    fitted : Lookup
        Of ``fitted``, which `fit_density` returned.
    found : ndarray of int32
        ``found`` of the same.

    Returns
    -------
    ndarray of int32, shape (n,)
        Cluster numbers.
    """
    indices, _ = fitted.search(rows.astype(np.float32), 1)
    return found[indices[:, 0]]
