"""`ImageClusterer`: images to clusters, by way of an autoencoder's codes."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    ClusterMixin,
    TransformerMixin,
)
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from pictree.clustering.choose import parse_k
from pictree.clustering.find import candidates_of, find_clusters, with_asked
from pictree.clustering.flat import FlatClusters, from_centres, from_labels
from pictree.clustering.instant import Start
from pictree.clustering.tree import ClusterTree
from pictree.device import choose_device
from pictree.errors import InputError
from pictree.estimators import saved
from pictree.estimators.autoencoder import ConvAutoencoder
from pictree.estimators.seed import to_seed
from pictree.files import write_arrays
from pictree.recipes.parts import ClusteringPart
from pictree.training.dec import refine
from pictree.training.pairs import learn_pairs
from pictree.training.rounds import WIDTHS, learn_rounds

_CLUSTERS, _TREE = "clusters.npz", "tree.npz"


class ImageClusterer(
    ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin, BaseEstimator
):
    """Clusters of images: an autoencoder learns their codes, the codes are clustered.

    Parameters
    ----------
    n_clusters : "auto", int or "low:high", default="auto"
        Number of clusters. "auto" and a range choose it from the data without labels; the
        ranked candidates are in ``shortlist_``. A recipe with HDBSCAN finds its own number.
    recipe : str or path, default="tree"
        As in `ConvAutoencoder`; its rounds, pairs or dec are followed and, of its clustering
        section, the method, starts, standardise and seed. The clusters are fitted on all of X.
    image_shape : (h, w) or (h, w, c), optional
        As in `ConvAutoencoder`.
    epochs : int, optional
        Passes over X. The recipe's by default.
    random_state : int, RandomState instance or None, default=None
        Seed of the training and, where the recipe has no seed of its own, of the clustering.

    Attributes
    ----------
    labels_ : int32 (n used,)
        Cluster of each image of `fit`, 0 the largest; -1 is noise (HDBSCAN alone). Where X was
        files, of those that were used, in the order of ``paths_``.
    n_clusters_ : int
    cluster_centers_ : float32 (n_clusters_, code size)
        `inverse_transform` shows them as images.
    shortlist_ : list of pictree.clustering.choose.Candidate
        Best first: k, score, reason. Unmeasured where n_clusters was a number; empty with
        HDBSCAN.
    tree_ : pictree.clustering.tree.ClusterTree or None
        Of a recipe whose clusters are a tree: ``tree_.cut(20)`` gives 20 clusters without training.
    autoencoder_ : ConvAutoencoder
    outcomes_, paths_, n_features_in_, feature_names_in_
        As in `ConvAutoencoder`.

    Notes
    -----
    X is what `ConvAutoencoder` takes: arrays of images, flat rows, or pictures by path. With
    picture files ``labels_``, and so `fit_predict`, cover those that were used. `predict` and
    `transform` give one row for each file, in the source's order: a duplicate has its twin's, a
    file that can't be used has cluster -1 and a code of NaN. A warning names the unusable.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from pictree import ImageClusterer
    >>> X = load_digits().images
    >>> model = ImageClusterer(10, recipe="quick", random_state=0).fit(X)
    >>> model.labels_.shape
    (1797,)
    >>> bool((model.predict(X[:5]) == model.labels_[:5]).all())
    True
    >>> model.inverse_transform(model.cluster_centers_).shape
    (10, 8, 8)
    """

    def __init__(
        self,
        n_clusters: int | str = "auto",
        *,
        recipe: str | Path = "tree",
        image_shape: tuple[int, ...] | None = None,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.recipe = recipe
        self.image_shape = image_shape
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> ImageClusterer:
        """Learn codes from images and cluster them.

        Parameters
        ----------
        X : array-like or pictures
            See the class's notes.
        y : ignored

        Returns
        -------
        ImageClusterer
            Itself.

        Raises
        ------
        InputError, SourceError, RecipeError
            All are ValueErrors.
        """
        seed = to_seed(self.random_state)
        model = ConvAutoencoder(
            self.recipe, image_shape=self.image_shape, epochs=self.epochs, random_state=seed
        )
        part = model._full_recipe().clustering
        candidates = [] if part.method == "hdbscan" else parse_k(self.n_clusters)
        images = model._read_to_fit(X)
        _check_enough(candidates, images.pixels)
        codes = model._learn(images)._encode(images.pixels)
        self.autoencoder_ = model
        seed = seed if part.seed is None else part.seed
        start = self._cluster(codes, part, seed)
        if model._full_recipe().learning == "dec":
            self._refine(images.pixels, seed)
        elif start is not None and model._full_recipe().learning:
            self._learn_more(images.pixels, start, seed)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Say which cluster each image belongs to.

        Parameters
        ----------
        X : array-like or pictures
            As in `fit`, of the same shape and in the same units.

        Returns
        -------
        int32 (n,)
            -1 for a file that can't be used, and for noise.

        Raises
        ------
        InputError, SourceError, NotFittedError
        """
        check_is_fitted(self)
        images = self.autoencoder_._read(X)
        if not len(images.pixels):
            return images.per_row(np.empty(0, np.int32), -1)
        codes = self.autoencoder_._encode(images.pixels)
        return images.per_row(self.clusters_.predict(codes), -1)

    def transform(self, X: Any) -> np.ndarray:
        """Compute the codes of images; see `ConvAutoencoder.transform`.

        Parameters
        ----------
        X : array-like or pictures

        Returns
        -------
        float32 (n, code size)
        """
        check_is_fitted(self)
        return self.autoencoder_._codes(X)

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Compute the images that codes stand for; see `ConvAutoencoder.inverse_transform`.

        Parameters
        ----------
        Z : array-like (n, code size)
            Codes, for example ``cluster_centers_``.

        Returns
        -------
        float32 (n, n_features), (n, h, w) or (n, h, w, c)
        """
        check_is_fitted(self)
        return self.autoencoder_.inverse_transform(Z)

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted estimator; nothing is pickled.

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
        self.autoencoder_.save(path / "autoencoder")
        write_arrays(path / _CLUSTERS, self.clusters_.to_arrays())
        write_arrays(path / _TREE, {} if self.tree_ is None else self.tree_.to_arrays())
        saved.write(self, path, {"shortlist": [asdict(c) for c in self.shortlist_]})

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> ImageClusterer:
        """Read what `save` wrote; nothing is unpickled.

        Parameters
        ----------
        folder : path-like

        Returns
        -------
        ImageClusterer
            Predicts the same clusters on the same machine.

        Raises
        ------
        RunError
            If a file is absent or damaged; it is named.
        """
        path = Path(folder)
        model, fitted = saved.read(cls, path)
        model.shortlist_ = saved.read_shortlist(fitted, path)
        with saved.reading_arrays(path / _CLUSTERS) as arrays:
            model._keep(FlatClusters.from_arrays(arrays))
        with saved.reading_arrays(path / _TREE) as arrays:
            model.tree_ = ClusterTree.from_arrays(arrays) if arrays else None
        model.autoencoder_ = ConvAutoencoder.load(path / "autoencoder")
        return model

    def _cluster(self, codes: np.ndarray, part: ClusteringPart, seed: int) -> Start | None:
        found = find_clusters(
            codes,
            part.method,
            self.n_clusters,
            starts=part.starts,
            standardise=part.standardise,
            seed=seed,
        )
        self.shortlist_, self.tree_ = found.shortlist, found.tree
        self._keep(found.clusters)
        return found.start

    def _refine(self, pixels: np.ndarray, seed: int) -> None:
        """Refine codes and centres together."""
        recipe, model = self.autoencoder_._full_recipe(), self.autoencoder_.model_
        device = choose_device(recipe.training.precision, model.architecture.encoder)
        refined = refine(model, self.cluster_centers_, pixels, recipe.dec, device, seed=seed)
        self._keep(from_centres(refined.codes, refined.centres, "dec"))

    def _learn_more(self, pixels: np.ndarray, start: Start, seed: int) -> None:
        """Put what was learned in the place of the instant tree, if it is better."""
        recipe = self.autoencoder_._full_recipe()
        fixed, candidates = candidates_of(self.n_clusters)
        device = choose_device(recipe.training.precision, WIDTHS)
        words: dict[str, Any] = {"k": fixed, "candidates": candidates, "seed": seed}
        if recipe.learning == "pairs":
            learned = learn_pairs(pixels, start, recipe.pairs, device, **words)
        else:
            learned = learn_rounds(pixels, start, recipe.rounds, device, **words)
        if not learned.is_better:
            return
        self.autoencoder_.model_ = learned.model
        codes = self.autoencoder_._encode(pixels)
        self.shortlist_ = with_asked(learned.shortlist, fixed)
        self.tree_ = learned.tree
        self._keep(from_labels(codes, learned.clusters, "tree"))

    def _keep(self, clusters: FlatClusters) -> None:
        self.clusters_ = clusters
        self.labels_ = clusters.labels
        self.n_clusters_ = clusters.n_clusters
        self.cluster_centers_ = clusters.centres

    @property
    def n_features_in_(self) -> int:
        """Height × width × channels of the images of `fit`."""
        return self.autoencoder_.n_features_in_

    @property
    def feature_names_in_(self) -> np.ndarray:
        """Names of the columns of X, where it had names."""
        return self.autoencoder_.feature_names_in_

    @property
    def outcomes_(self) -> Any:
        """What became of each file, a polars frame; None where X was an array."""
        return self.autoencoder_.outcomes_

    @property
    def paths_(self) -> list[str] | None:
        """Paths of the images that ``labels_`` is about; None where X was an array."""
        return self.autoencoder_.paths_

    @property
    def _n_features_out(self) -> int:
        return self.autoencoder_._n_features_out

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _check_enough(candidates: list[int], pixels: np.ndarray) -> None:
    """Refuse before the training what the clustering would refuse after it."""
    n = len(pixels)
    if n < 2 or (pixels == pixels[0]).all():
        raise InputError(
            "clustering needs at least 2 different images",
            got=f"n_samples={n}" + (", all equal" if n > 1 else ""),
            do="Pass more images",
        )
    if n < min(candidates, default=2):
        raise InputError(
            "n_clusters must be at most the number of images",
            got=f"n_clusters={min(candidates)} with n_samples={n}",
            do="Pass fewer clusters or more images",
        )
