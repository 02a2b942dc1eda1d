"""Codes to 2-D maps: PCA, t-SNE, UMAP; plain arrays, no torch."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import Any

import numpy as np

from pictree.errors import InputError, MissingExtraError
from pictree.neighbors import as_rows, nearest, principal_axes
from pictree.repulsion import Forces, is_known

METHODS = ("pca", "tsne", "umap")

Nearest = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""Rows and a number to their nearest other rows and the distances."""

LARGEST_FIT = 100_000
"""t-SNE and UMAP lay out at most this many rows; the others are placed between them."""

BY_GRID_FROM = 2_000
"""Rows from which on t-SNE reads its repelling forces from a grid; of fewer, from a quad tree."""

PARALLEL_FROM = 5_000
COMPILED_ANEW = (
    ("umap.umap_", "smooth_knn_dist"),
    ("umap.umap_", "compute_membership_strengths"),
    ("umap.layouts", "_nb_optimize_layout_euclidean_single_epoch"),
)
"""What umap-learn compiles at each start, some 8 s: numba is told to keep it, as it keeps ours."""

PCA_DIMENSIONS = 50
PCA_ROWS = 20_000
PERPLEXITY = 30.0
UMAP_NEIGHBORS = 15
PLACING_NEIGHBORS = 5


def project(codes: np.ndarray, method: str, *, seed: int = 0) -> np.ndarray:
    """Lay out codes in the plane; see `Maps`, which shares work among several methods.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
        Finite numbers.
    method : str
        "pca", "tsne" or "umap".
    seed : int
        Seed of the draws and of the layout.

    Returns
    -------
    ndarray of float32, shape (n, 2)

    Raises
    ------
    InputError
        If the method is unknown or the codes are not finite numbers.
    MissingExtraError
        If umap-learn is absent or broken.
    """
    return Maps(codes, seed=seed).project(method)


class Maps:
    """Lays out codes in the plane, by one method or several.

    t-SNE (van der Maaten & Hinton 2008, by openTSNE) and UMAP (McInnes et al. 2018, by
    umap-learn) start from the first two principal components and use the exact nearest
    neighbours of the codes' first 50 components, so that one seed gives the same map. Perplexity
    30 and 15 neighbours, both packages' own defaults; a third of the rows where that is less.
    Components and neighbours are found when first needed, and kept for the other methods.

    Parameters
    ----------
    codes : ndarray, shape (n, d)
        Finite numbers. Above 100,000 rows, t-SNE and UMAP lay out 100,000 drawn at random; each
        of the others goes to the mean place of its 5 nearest rows among them.
    seed : int
        Seed of the draws and of the layout.
    """

    def __init__(self, codes: np.ndarray, *, seed: int = 0) -> None:
        self._codes, self._seed = codes, seed
        self._neighbours: tuple[np.ndarray, np.ndarray] | None = None

    @cached_property
    def _components(self) -> tuple[np.ndarray, float]:
        return _principal(as_rows(self._codes), self._seed)

    @cached_property
    def _fitted(self) -> np.ndarray:
        """Rows that t-SNE and UMAP lay out."""
        n = len(self._components[0])
        if n <= LARGEST_FIT:
            return np.arange(n)
        return np.sort(np.random.default_rng(self._seed).choice(n, LARGEST_FIT, replace=False))

    def project(self, method: str) -> np.ndarray:
        """Make a map.

        Parameters
        ----------
        method : str
            "pca", "tsne" or "umap".

        Returns
        -------
        ndarray of float32, shape (n, 2)
            All zeros where the codes are all equal (a single row is). Up to 4 different rows have
            too few neighbours for t-SNE and UMAP: they get PCA's map. PCA's components are those
            of at most 20,000 rows, their signs fixed: the largest weight of each is positive.

        Raises
        ------
        InputError
            If the method is unknown or the codes are not finite numbers.
        MissingExtraError
            If umap-learn is absent or broken.
        """
        if method not in METHODS:
            raise InputError(
                f"the map must be one of {', '.join(METHODS)}",
                got=str(method),
                do="Pass one of them",
            )
        if method == "umap":
            as_rows(self._codes)
            _umap_class()
        principal, span = self._components
        if method == "pca" or len(principal) < 5 or not principal.any():
            return _two_columns(principal * np.float32(span))
        rows = principal if len(principal) <= LARGEST_FIT else principal[self._fitted]
        layout = (_tsne if method == "tsne" else _umap)(rows, self._nearest, self._seed)
        return layout if rows is principal else _place_rest(principal, self._fitted, layout)

    def _nearest(self, rows: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Nearest rows of the rows that are laid out, always found in the same way."""
        if self._neighbours is None:
            self._neighbours = nearest(rows, min(len(rows) - 1, int(3 * PERPLEXITY)))
        indices, distances = self._neighbours
        return indices[:, :count], distances[:, :count]


def _principal(rows: np.ndarray, seed: int) -> tuple[np.ndarray, float]:
    """At most 50 principal components of the rows over their span, and that span.

    The span brings the largest value to 1: squares of 1e17 would overflow, those of 1e-30 vanish.
    """
    span = float(np.ptp(rows.astype(np.float64), axis=0).max())
    if span == 0:
        return np.zeros((len(rows), 1), dtype=np.float32), 1.0
    scaled = ((rows - rows.mean(axis=0, dtype=np.float64)) / span).astype(np.float32)
    sample = np.arange(len(rows))
    if len(rows) > PCA_ROWS:
        sample = np.sort(np.random.default_rng(seed).choice(sample, PCA_ROWS, replace=False))
    return scaled @ principal_axes(scaled[sample], PCA_DIMENSIONS, seed=seed).T, span


def _two_columns(principal: np.ndarray) -> np.ndarray:
    result = np.zeros((len(principal), 2), dtype=np.float32)
    result[:, : principal.shape[1]] = principal[:, :2]
    return result


def _start(principal: np.ndarray, spread: float) -> np.ndarray:
    """Take two components and scale the first to the given standard deviation."""
    first = _two_columns(principal).astype(np.float64)
    return first * (spread / first[:, 0].std())


def _tsne(principal: np.ndarray, nearest_of: Nearest, seed: int) -> np.ndarray:
    from joblib import effective_n_jobs
    from openTSNE import TSNE
    from openTSNE.affinity import PerplexityBasedNN
    from openTSNE.nearest_neighbors import PrecomputedNeighbors

    n = len(principal)
    # Threads wait for each other at every step: on a busy machine few rows then take minutes.
    jobs = effective_n_jobs(-1) if n >= PARALLEL_FROM else 1
    perplexity = min(PERPLEXITY, (n - 1) / 3)
    indices, distances = nearest_of(principal, min(n - 1, int(3 * perplexity)))
    # A unit of its own: widths are searched between fixed limits, and tiny codes fall outside.
    unit = float(distances.mean()) or 1.0
    found = PrecomputedNeighbors(indices.astype(np.int64), distances.astype(np.float64) / unit)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        affinities = PerplexityBasedNN(knn_index=found, perplexity=perplexity, n_jobs=jobs)
        layout = TSNE(
            n_jobs=jobs,
            random_state=seed,
            negative_gradient_method=_forces(n, jobs),
        ).fit(affinities=affinities, initialization=_start(principal, 1e-4))
    return np.asarray(layout, dtype=np.float32)


def _forces(n: int, jobs: int) -> Forces | str:
    if n < BY_GRID_FROM:
        return "bh"
    return Forces(jobs) if is_known() else "fft"


def _umap(principal: np.ndarray, nearest_of: Nearest, seed: int) -> np.ndarray:
    count = min(UMAP_NEIGHBORS, len(principal) - 1)
    indices, distances = nearest_of(principal, count - 1)
    itself = np.arange(len(principal))[:, None]
    found = (np.hstack([itself, indices]), np.pad(distances, ((0, 0), (1, 0))))
    start = _start(principal, 10.0)
    # umap-learn divides by each column's range, which is 0 where the codes lie on a line.
    start += np.random.default_rng(seed).normal(scale=1e-3, size=start.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layout = _umap_class()(
            n_neighbors=count,
            precomputed_knn=found,
            init=start.astype(np.float32),
            random_state=seed,
            n_jobs=1,
        ).fit_transform(principal)
    return layout.astype(np.float32)


def _umap_class() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from umap import UMAP
    except Exception as error:  # a broken numba raises more kinds than ImportError
        raise MissingExtraError(
            "the umap map needs the package umap-learn in working order",
            got=f"{type(error).__name__}: {error}",
            do="Run pip install 'pictree[umap]', or leave umap out of the maps",
        ) from error
    for module, name in COMPILED_ANEW:
        with suppress(Exception):  # another version's name, or a folder that nobody may write to
            getattr(sys.modules[module], name).enable_caching()
    return UMAP


def _place_rest(principal: np.ndarray, fitted: np.ndarray, layout: np.ndarray) -> np.ndarray:
    result = np.empty((len(principal), 2), dtype=np.float32)
    result[fitted] = layout
    rest = np.setdiff1d(np.arange(len(principal)), fitted)
    indices, _ = nearest(principal[fitted], min(PLACING_NEIGHBORS, len(fitted)), principal[rest])
    result[rest] = layout[indices].mean(axis=1)
    return result
