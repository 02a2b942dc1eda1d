"""Gaussian mixture: clusters as ellipsoids."""

from __future__ import annotations

import warnings

import numpy as np

from pictree.clustering.kmeans import fit_centres, nearest_centre

DIMENSIONS = 50
"""Wider codes are reduced to this many principal components first."""

ROWS_FOR_FULL = 10
"""Full covariances need this many rows per cluster and column; with fewer they are diagonal."""

FITTED_ROWS = 20_000
"""Above this many rows the mixture is fitted on this many, drawn at random."""


def fit_mixture(rows: np.ndarray, k: int, *, starts: int, seed: int) -> dict[str, np.ndarray]:
    """Fit a mixture of k Gaussians by EM (Dempster et al. 1977), from the best k-means.

    EM runs once, from the clusters of the best of `starts` k-means starts; full covariances where
    there are at least 10 rows for each cluster and column, else diagonal ones; each variance gets
    a thousandth of the rows' mean variance added, so that no Gaussian collapses on few rows.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, d)
        Prepared codes, d at most 50; above 20,000 rows, 20,000 drawn at random are fitted.
    k : int
        Number of Gaussians.
    starts : int
        Starts of k-means.
    seed : int
        Seed of everything random.

    Returns
    -------
    dict of ndarray
        ``log_weights`` (k,), ``means`` (k, d), ``precisions`` (k, d, d): the Cholesky factors
        of the inverse covariances.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    if len(rows) > FITTED_ROWS:
        rows = np.random.default_rng(seed).choice(rows, FITTED_ROWS, replace=False)
    single = rows.astype(np.float32)
    first = nearest_centre(single, fit_centres(single, k, starts=starts, seed=seed))
    full = len(rows) >= ROWS_FOR_FULL * k * rows.shape[1]
    floor = 1e-3 * float(rows.var(axis=0).mean())
    model = GaussianMixture(
        k,
        covariance_type="full" if full else "diag",
        reg_covar=floor,
        random_state=seed,
        **_start(rows, first, k, floor, full),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows)
    factors = model.precisions_cholesky_
    precisions = factors if full else np.stack([np.diag(row) for row in factors])
    return {
        "log_weights": np.log(model.weights_),
        "means": model.means_,
        "precisions": precisions,
    }


def _start(rows: np.ndarray, first: np.ndarray, k: int, floor: float, full: bool) -> dict:
    """Weights, means and precisions of the k-means clusters; variances pooled over them."""
    sizes = np.bincount(first, minlength=k) + 1e-10
    means = np.stack([rows[first == j].sum(axis=0) for j in range(k)]) / sizes[:, None]
    inverse = 1 / ((rows - means[first]).var(axis=0) + floor)
    precisions = np.tile(np.diag(inverse) if full else inverse, (k, 1, 1) if full else (k, 1))
    return {
        "weights_init": sizes / sizes.sum(),
        "means_init": means,
        "precisions_init": precisions,
    }


def likeliest(rows: np.ndarray, model: dict[str, np.ndarray]) -> np.ndarray:
    """Put each row to the Gaussian that most likely made it.

    Parameters
    ----------
    rows : ndarray of float64, shape (n, d)
        Prepared codes.
    model : dict of ndarray
        What `fit_mixture` returned.

    Returns
    -------
    ndarray of int32, shape (n,)
        Numbers of Gaussians.
    """
    scores = np.empty((len(rows), len(model["means"])))
    for j, (mean, factor) in enumerate(zip(model["means"], model["precisions"], strict=True)):
        distances = (((rows - mean) @ factor) ** 2).sum(axis=1)
        scores[:, j] = model["log_weights"][j] + np.log(np.diag(factor)).sum() - distances / 2
    return scores.argmax(axis=1).astype(np.int32)
