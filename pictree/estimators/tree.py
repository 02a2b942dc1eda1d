"""`TreeClusterer`: anybody's vectors to a tree of clusters."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from pictree.clustering.find import find_tree
from pictree.clustering.flat import FlatClusters
from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError
from pictree.estimators import saved
from pictree.estimators.seed import to_seed
from pictree.files import write_arrays

_ARRAYS = "tree.npz"


class TreeClusterer(ClusterMixin, BaseEstimator):
    """Clusters of any vectors, and the tree that they are a cut of.

    The instant tree: neighbours' communities are leaves, leaves merge by what is least lost, two
    dozen such trees vote. See `pictree.clustering.instant.instant_tree`.

    Parameters
    ----------
    n_clusters : "auto", int or "low:high", default="auto"
        Number of clusters, at most 250. "auto" (2 to 30) and a range choose it from the data
        without labels; the ranked candidates are in ``shortlist_``.
    n_leaves : int, optional
        Leaves of the tree, the largest k that `cut` takes: from the number of clusters to 500,
        but at most the different rows. By default as many as the neighbours give.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random. The same int gives the same clusters.

    Attributes
    ----------
    labels_ : int32 (n,)
        Cluster of each row of `fit`, 0 the largest.
    n_clusters_ : int
    tree_ : pictree.clustering.tree.ClusterTree
        Its cut at ``n_clusters_`` is ``labels_``.
    confidence_ : float32 (n,)
        Share of the votes that each row's cluster got.
    agreement_ : float
        Mean adjusted Rand index between the trees that voted: near 1 they say the same; below
        some .5 the clusters should not be believed.
    shortlist_ : list of pictree.clustering.choose.Candidate
        Numbers of clusters, best first: k, score, reason. One that was asked for comes first,
        unmeasured.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Names of the columns of X, where it had names.

    Notes
    -----
    Rows are compared by their Euclidean distance on the first 50 principal components, in
    float32: put a scaler before it where columns have different units.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from pictree import TreeClusterer
    >>> X = load_digits().data
    >>> model = TreeClusterer(10, random_state=0).fit(X)
    >>> model.labels_.shape
    (1797,)
    >>> int(model.cut(20).max())
    19
    >>> bool((model.predict(X[:5]) == model.labels_[:5]).all())
    True
    """

    def __init__(
        self,
        n_clusters: int | str = "auto",
        *,
        n_leaves: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.n_leaves = n_leaves
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> TreeClusterer:
        """Make the tree, and cut it.

        Parameters
        ----------
        X : array-like (n, d)
            Finite numbers, at least two different rows.
        y : ignored

        Returns
        -------
        TreeClusterer
            Itself.

        Raises
        ------
        InputError
            A ValueError.
        """
        rows = validate_data(self, X, dtype=np.float32, ensure_min_samples=2)
        _refuse_equal(rows)
        seed = to_seed(self.random_state)
        found = find_tree(rows, self.n_clusters, n_leaves=self.n_leaves, seed=seed)
        self.tree_: Any = found.tree
        self.confidence_: Any = found.confidence
        self.agreement_, self.shortlist_ = found.agreement, found.shortlist
        self._keep(found.clusters)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Say which cluster each row belongs to: that of the nearest row of `fit`.

        Parameters
        ----------
        X : array-like (m, d)

        Returns
        -------
        int32 (m,)

        Raises
        ------
        InputError, NotFittedError
        """
        check_is_fitted(self)
        return self.clusters_.predict(validate_data(self, X, dtype=np.float32, reset=False))

    def cut(self, k: int) -> np.ndarray:
        """Cut the tree into another number of clusters; nothing is fitted again.

        Parameters
        ----------
        k : int
            From 1 to the number of leaves, ``tree_.n_leaves``.

        Returns
        -------
        int32 (n,)
            Cluster of each row of `fit`, 0 the largest.

        Raises
        ------
        InputError, NotFittedError
        """
        check_is_fitted(self)
        return self.tree_.cut(k)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted estimator, the rows of `fit` included; nothing is pickled.

        Parameters
        ----------
        folder : path-like
            Made if absent; an estimator saved there before is replaced. A ``random_state`` that
            is a generator is saved as None.

        Raises
        ------
        NotFittedError
        RunError
            If the folder can't be written.
        """
        check_is_fitted(self)
        path = Path(folder)
        arrays = {
            **self.clusters_.to_arrays(),
            **{f"tree_{name}": values for name, values in self.tree_.to_arrays().items()},
            "confidence": self.confidence_,
        }
        if hasattr(self, "feature_names_in_"):
            arrays["names"] = self.feature_names_in_.astype(str)
        write_arrays(path / _ARRAYS, arrays)
        shortlist = [asdict(candidate) for candidate in self.shortlist_]
        saved.write(self, path, {"shortlist": shortlist, "agreement": self.agreement_})

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> TreeClusterer:
        """Read what `save` wrote; nothing is unpickled.

        Parameters
        ----------
        folder : path-like

        Returns
        -------
        TreeClusterer
            Predicts the same clusters on the same machine.

        Raises
        ------
        RunError
            If a file is absent or damaged; it is named.
        """
        path = Path(folder)
        model, fitted = saved.read(cls, path)
        model.shortlist_ = saved.read_shortlist(fitted, path)
        with saved.reading(path / saved.FILE):
            model.agreement_ = fitted["agreement"]
        with saved.reading_arrays(path / _ARRAYS) as arrays:
            tree = {key: arrays[f"tree_{key}"] for key in ("leaves", "children", "losses")}
            model.tree_ = ClusterTree.from_arrays(tree)
            model.confidence_ = arrays["confidence"]
            model._keep(FlatClusters.from_arrays(arrays))
            model.n_features_in_ = len(arrays["shift"])
            if "names" in arrays:
                model.feature_names_in_ = arrays["names"].astype(object)
        return model

    def _keep(self, clusters: FlatClusters) -> None:
        self.clusters_ = clusters
        self.labels_ = clusters.labels
        self.n_clusters_ = clusters.n_clusters


def _refuse_equal(rows: np.ndarray) -> None:
    """Say "rows" of vectors, where the stages would speak of images."""
    if (rows == rows[0]).all():
        raise InputError(
            "clustering needs at least 2 different rows",
            got=f"n_samples={len(rows)}, all equal",
            do="Pass other rows",
        )
