"""k-means, Gaussian mixture and HDBSCAN behind one stored result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from pictree.clustering import density, kmeans, mixture
from pictree.clustering.preparation import Preparation, fit_preparation, refuse_equal
from pictree.errors import InputError
from pictree.lookup import Lookup
from pictree.neighbors import as_rows

METHODS = ("kmeans", "gmm", "hdbscan")

DIMENSIONS = {"kmeans": 0, "gmm": mixture.DIMENSIONS, "hdbscan": density.DIMENSIONS}
"""Wider codes are reduced to this many principal components first; 0 never."""

FEWEST_FOR_DENSITY = 5


@dataclass(frozen=True)
class FlatClusters:
    """One clustering, and all that is needed to put new codes into its clusters.

    Attributes
    ----------
    method : str
        "kmeans", "gmm", "hdbscan", or what `from_labels` or `from_centres` was told.
    labels : ndarray of int32, shape (n,)
        Cluster of each code, numbered by size: 0 is the largest (equal sizes: the one whose
        first member comes first); -1 is noise, for HDBSCAN alone.
    centres : ndarray of float32, shape (k, d)
        Centres of the k clusters, in the units of the codes: k-means' own centres, for the other
        methods the means of the clusters' codes.
    preparation : Preparation
        What codes go through first.
    model : dict of ndarray
        The method's parameters.
    """

    method: str
    labels: np.ndarray
    centres: np.ndarray
    preparation: Preparation
    model: dict[str, np.ndarray] = field(repr=False)

    @property
    def n_clusters(self) -> int:
        """Number of clusters, noise not counted."""
        return len(self.centres)

    def predict(self, codes: np.ndarray) -> np.ndarray:
        """Put codes into these clusters; the codes of the fit get their `labels` again.

        Parameters
        ----------
        codes : ndarray, shape (m, d)
            Made by the same network as the codes of the fit.

        Returns
        -------
        ndarray of int32, shape (m,)
            k-means, and what `from_centres` made: the nearest centre. Mixture: the likeliest
            Gaussian. HDBSCAN: the cluster of the nearest code that was fitted, or -1 where that is
            noise; what `from_labels` made likewise.

        Raises
        ------
        InputError
            If the codes are not finite numbers or not as wide as those of the fit.
        """
        rows = as_rows(codes)
        width = len(self.preparation.shift)
        if rows.shape[1] != width:
            raise InputError(
                f"the codes must have {width} numbers each, as those of the fit had",
                got=str(rows.shape[1]),
                do="Encode the images with the network that made the codes of the fit",
            )
        if "fitted" in self.model:
            prepared = self.preparation.apply(rows)
            return numbered(
                density.densest(prepared, self._fitted, self.model["found"]), self.model
            )
        return numbered(_predict(self.method, rows, self.preparation, self.model), self.model)

    @cached_property
    def _fitted(self) -> Lookup:
        return Lookup(as_rows(self.model["fitted"]))

    def is_by_nearest_of(self, codes: np.ndarray) -> bool:
        """Tell whether a code belongs to the cluster of the nearest of these, untouched, codes."""
        fitted, parts = self.model.get("fitted"), self.preparation
        untouched = not len(parts.components) and not parts.shift.any() and (parts.scale == 1).all()
        return fitted is not None and bool(untouched) and np.array_equal(fitted, codes)

    def of_fitted(self, rows: np.ndarray) -> np.ndarray:
        """Return the clusters of some of the rows that were fitted, int32; see `is_by_nearest_of`.

        Parameters
        ----------
        rows : ndarray of int, shape (m,)
        """
        return numbered(self.model["found"][rows], self.model)

    def confidence(self, codes: np.ndarray) -> np.ndarray | None:
        """Say how sure codes are of their clusters, where the method itself tells.

        Parameters
        ----------
        codes : ndarray, shape (m, d)

        Returns
        -------
        ndarray of float32, shape (m,), or None
            For "dec" the share of the nearest centre in Student's t of the distances to all;
            None for all others.
        """
        if self.method != "dec":
            return None
        rows, centres = as_rows(codes).astype(np.float64), self.centres.astype(np.float64)
        squares = [((rows - centre) ** 2).sum(axis=1) for centre in centres]
        near = 1 / (1 + np.stack(squares, axis=1))
        return (near.max(axis=1) / near.sum(axis=1)).astype(np.float32)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as plain arrays, to be saved by `numpy.savez`; nothing needs pickle."""
        return {
            "method": np.array(self.method),
            "labels": self.labels,
            "centres": self.centres,
            "shift": self.preparation.shift,
            "scale": self.preparation.scale,
            "components": self.preparation.components,
            **{f"model_{name}": values for name, values in self.model.items()},
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray]) -> FlatClusters:
        """Rebuild from what `to_arrays` gave, or from the opened .npz file."""
        preparation = Preparation(arrays["shift"], arrays["scale"], arrays["components"])
        names = [name for name in arrays if name.startswith("model_")]
        model = {name.removeprefix("model_"): arrays[name] for name in names}
        return cls(str(arrays["method"]), arrays["labels"], arrays["centres"], preparation, model)


def fit_clusters(
    codes: np.ndarray,
    method: str = "kmeans",
    k: int = 10,
    *,
    starts: int = 10,
    standardise: bool = False,
    seed: int = 0,
) -> FlatClusters:
    """Cluster codes.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
        Finite numbers, not all rows equal. The mixture sees at most their first 50 principal
        components, HDBSCAN 20, and both are fitted on at most 20,000 rows, the others predicted.
    method : str
        "kmeans", "gmm" or "hdbscan".
    k : int
        Number of clusters, from 1 to n; HDBSCAN finds its own and does not use it. A mixture may
        leave a Gaussian without a row, and fewer clusters come back.
    starts : int
        Starts of k-means, of which the best is kept; a mixture starts from it. At least 1.
    standardise : bool
        Divide each column by its standard deviation first.
    seed : int
        Seed of everything random.

    Returns
    -------
    FlatClusters
        See `pictree.clustering.kmeans`, `mixture` and `density` for each method's defaults.

    Raises
    ------
    InputError
        If a parameter is out of range, or the codes are not finite, or all equal.
    """
    rows = as_rows(codes)
    _check(rows, method, k, starts)
    width = DIMENSIONS[method]
    preparation = fit_preparation(rows, standardise=standardise, dimensions=width, seed=seed)
    model = _fit(method, rows, preparation, k, starts, seed)
    raw = _predict(method, rows, preparation, model)
    if method != "hdbscan" and len(np.unique(raw)) < len(next(iter(model.values()))):
        model = {name: values[np.unique(raw)] for name, values in model.items()}
        raw = _predict(method, rows, preparation, model)
    model["order"] = by_size(raw)
    labels = numbered(raw, model)
    centres = _centres(method, rows, labels, preparation, model)
    return FlatClusters(method, labels, centres, preparation, model)


def labels_by_seed(
    codes: np.ndarray, method: str, k: int, *, standardise: bool, seeds: Sequence[int]
) -> list[np.ndarray]:
    """Cluster from one start for each seed, as `fit_clusters` does, to see how they agree.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
    method, k, standardise
        See `fit_clusters`.
    seeds : sequence of int

    Returns
    -------
    list of ndarray of int32, each of shape (n,)
        Clusters are numbered anyhow.
    """
    if method != "kmeans":
        words: dict[str, Any] = {"starts": 1, "standardise": standardise}
        return [fit_clusters(codes, method, k, **words, seed=seed).labels for seed in seeds]
    rows = as_rows(codes)
    _check(rows, method, k, 1)
    rows = _scaled(rows, fit_preparation(rows, standardise=standardise))
    found = kmeans.centres_by_seed(rows, k, starts=1, seeds=seeds)
    return [kmeans.nearest_centre(rows, centres) for centres in found]


def from_labels(codes: np.ndarray, labels: np.ndarray, method: str) -> FlatClusters:
    """Make clusters that were found elsewhere ready for predicting.

    Parameters
    ----------
    codes : ndarray of float, shape (n, d)
    labels : ndarray of int32, shape (n,)
        Cluster of each code, already numbered by size.
    method : str
        Name of what found them, such as "tree".

    Returns
    -------
    FlatClusters
        Predicts the cluster of the nearest of these codes.
    """
    rows = as_rows(codes)
    width = rows.shape[1]
    preparation = Preparation(np.zeros(width), np.ones(width), np.zeros((0, width)))
    order = np.arange(int(labels.max()) + 1, dtype=np.int32)
    model = {"fitted": rows, "found": labels.astype(np.int32), "order": order}
    centres = _centres(method, rows, labels, preparation, model)
    return FlatClusters(method, labels, centres, preparation, model)


def from_centres(codes: np.ndarray, centres: np.ndarray, method: str) -> FlatClusters:
    """Make clusters of centres that were learned elsewhere ready for predicting.

    Parameters
    ----------
    codes : ndarray of float, shape (n, d)
    centres : ndarray of float, shape (k, d)
        Those that no code is nearest to are left out.
    method : str
        Name of what learned them, such as "dec".

    Returns
    -------
    FlatClusters
        Predicts the nearest centre.
    """
    rows, width = as_rows(codes), centres.shape[1]
    preparation = Preparation(np.zeros(width), np.ones(width), np.zeros((0, width)))
    kept = centres[np.unique(kmeans.nearest_centre(rows, centres))]
    raw = kmeans.nearest_centre(rows, kept)
    model = {"centres": kept, "order": by_size(raw)}
    return FlatClusters(method, numbered(raw, model), kept[model["order"]], preparation, model)


def by_size(raw: np.ndarray) -> np.ndarray:
    """Old cluster numbers in their new order: largest first, equal ones by their first member.

    Parameters
    ----------
    raw : ndarray of int, shape (n,)
        Cluster numbers; negative ones are noise and left out.

    Returns
    -------
    ndarray of int32, shape (clusters,)
        Numbers that occur in `raw`.
    """
    numbers, first, sizes = np.unique(raw, return_index=True, return_counts=True)
    order = np.lexsort((first, -sizes))
    return numbers[order][numbers[order] >= 0].astype(np.int32)


def numbered(raw: np.ndarray, model: dict[str, np.ndarray]) -> np.ndarray:
    """Turn a method's own cluster numbers, int (n,), into ours: 0 the largest, -1 noise."""
    order = model["order"]
    new = np.full(max(int(order.max(initial=-1)), int(raw.max(initial=-1))) + 2, -1, np.int32)
    new[order] = np.arange(len(order), dtype=np.int32)
    return new[raw]  # noise, -1, is the table's last entry


def _check(rows: np.ndarray, method: str, k: int, starts: int) -> None:
    n = len(rows)
    if method not in METHODS:
        names = ", ".join(METHODS)
        raise InputError(f"the method must be one of {names}", got=method, do="Pass one of them")
    if starts < 1:
        raise InputError("starts must be at least 1", got=str(starts), do="Pass 1 or more")
    refuse_equal(rows)
    if method == "hdbscan" and n < FEWEST_FOR_DENSITY:
        raise InputError(
            f"hdbscan needs at least {FEWEST_FOR_DENSITY} codes",
            got=str(n),
            do="Pass more images, or take kmeans",
        )
    if method != "hdbscan" and not 1 <= k <= n:
        raise InputError(
            f"k must be from 1 to {n}, the number of codes", got=str(k), do="Pass another k"
        )
    _check_distinct(rows, method, k)


def _check_distinct(rows: np.ndarray, method: str, k: int) -> None:
    # Only where duplicates can matter: k different rows are nearly always among the first ones.
    if method == "hdbscan" or len(np.unique(rows[: 20 * k], axis=0)) >= k:
        return
    different = len(np.unique(rows, axis=0))
    if different < k:
        raise InputError(
            f"k must be at most {different}, the number of different codes",
            got=str(k),
            do="Pass a smaller k",
        )


def _fit(
    method: str, rows: np.ndarray, preparation: Preparation, k: int, starts: int, seed: int
) -> dict[str, np.ndarray]:
    if method == "kmeans":
        scaled = _scaled(rows, preparation)
        return {"centres": kmeans.fit_centres(scaled, k, starts=starts, seed=seed)}
    if method == "gmm":
        return mixture.fit_mixture(preparation.apply(rows), k, starts=starts, seed=seed)
    return density.fit_density(preparation.apply(rows), seed=seed)


def _predict(
    method: str, rows: np.ndarray, preparation: Preparation, model: dict[str, np.ndarray]
) -> np.ndarray:
    if "centres" in model:
        return kmeans.nearest_centre(_scaled(rows, preparation), model["centres"])
    if method == "gmm":
        return mixture.likeliest(preparation.apply(rows), model)
    return density.densest(preparation.apply(rows), Lookup(model["fitted"]), model["found"])


def _scaled(rows: np.ndarray, preparation: Preparation) -> np.ndarray:
    """Rows for k-means: untouched (so that scikit-learn's predict is ours) unless standardised."""
    if (preparation.scale == 1).all():
        return rows
    return (rows - preparation.shift.astype(np.float32)) / preparation.scale.astype(np.float32)


def _centres(
    method: str,
    rows: np.ndarray,
    labels: np.ndarray,
    preparation: Preparation,
    model: dict[str, np.ndarray],
) -> np.ndarray:
    """k-means' centres are its own, brought back to the codes' units; the others' are means."""
    order = model["order"]
    if method == "kmeans" and (preparation.scale == 1).all():
        return model["centres"][order]
    if method == "kmeans":
        own = model["centres"][order] * preparation.scale + preparation.shift
        return own.astype(np.float32)
    centres = np.empty((len(order), rows.shape[1]), dtype=np.float32)
    for j in range(len(order)):
        centres[j] = rows[labels == j].mean(axis=0, dtype=np.float64)
    return centres
