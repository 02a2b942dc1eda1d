"""`ConvAutoencoder`: images to codes and back."""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_array
from sklearn.utils.validation import check_is_fitted

from pictree.device import choose_device
from pictree.estimators import saved
from pictree.estimators.rows import Images, InputFormat, read, read_to_fit
from pictree.estimators.seed import to_seed
from pictree.files import write_atomic
from pictree.networks import inference, weights
from pictree.networks.autoencoder import Architecture, build, limited
from pictree.recipes.recipe import Recipe, change, load_recipe
from pictree.training.loop import train

_OUTCOMES = "outcomes.parquet"


class ConvAutoencoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Convolutional autoencoder: learns codes from which images can be restored.

    Parameters
    ----------
    recipe : str or path, default="large-1568"
        Name of a packaged recipe (``pictree.recipes.recipe.recipe_names``) or a TOML file; its
        network and training are followed, its size and channels for pictures from files. All
        of X trains: hold images out yourself where you want to.
    image_shape : (h, w) or (h, w, c), optional
        Needed for flat rows that are images; rows are in the order row, column, channel.
        Without it, flat rows count as images of 1 × n_features, so that any table passes.
        For files it sets the size and channels (1 or 3) that they are brought to; chosen from
        the files by default. Arrays of images tell theirs.
    code_size : int, optional
        Size of a dense code; 0 takes the flattened feature maps. The recipe's by default.
    epochs : int, optional
        Passes over X. The recipe's by default.
    random_state : int, RandomState instance or None, default=None
        Seed of the first weights and of the order of the images. The same int gives the same
        bytes on the same machine.

    Attributes
    ----------
    model_ : pictree.networks.autoencoder.Autoencoder
    history_ : list of dict
        For each epoch: epoch, loss, validation_loss (None), seconds.
    input_format_ : pictree.estimators.rows.InputFormat
        Shape and units of X.
    outcomes_ : polars.DataFrame or None
        What became of each file; see `pictree.images.inventory.INVENTORY_SCHEMA`. None where X
        was an array.
    paths_ : list of str or None
        Paths of the images that were learned from, in their order. None where X was an array.
    n_features_in_ : int
        Height × width × channels.
    feature_names_in_ : ndarray of str
        Where X had names.

    Notes
    -----
    X is an array (n, h, w) or (n, h, w, c), a list of equally large 2-D arrays, flat rows
    (n, n_features), or names pictures: a folder, a list of paths, a zip, an IDX or .npy file
    and whatever else `pictree.images.sources.open_source` takes. Pictures are held in memory
    together; ``pictree fit`` on the command line holds them on disk.

    Of files, `fit` leaves out those that can't be used, and duplicates; ``outcomes_`` says
    which. The other methods give one row for each file, in the source's order: a duplicate has
    its twin's, a file that can't be used has NaN. A warning names the unusable.

    The network sees values from 0 to 1. uint8 is divided by 255, uint16 by 65,535; floats go
    from the smallest to the largest value of `fit`, and are not rounded. Later input must be in
    the same units; values outside the range are not clipped.

    The networks follow F. Chollet, "Building Autoencoders in Keras", 2016; see the recipes.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from pictree import ConvAutoencoder
    >>> X = load_digits().images
    >>> X.shape
    (1797, 8, 8)
    >>> model = ConvAutoencoder(epochs=1, random_state=0).fit(X)
    >>> codes = model.transform(X)
    >>> codes.shape
    (1797, 128)
    >>> model.inverse_transform(codes).shape
    (1797, 8, 8)
    """

    def __init__(
        self,
        recipe: str | Path = "large-1568",
        *,
        image_shape: tuple[int, ...] | None = None,
        code_size: int | None = None,
        epochs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.image_shape = image_shape
        self.code_size = code_size
        self.epochs = epochs
        self.random_state = random_state

    def fit(self, X: Any, y: object = None) -> ConvAutoencoder:
        """Learn from images.

        Parameters
        ----------
        X : array-like or pictures
            See the class's notes.
        y : ignored

        Returns
        -------
        ConvAutoencoder
            Itself.

        Raises
        ------
        InputError, SourceError, RecipeError
            All are ValueErrors.
        """
        return self._learn(self._read_to_fit(X))

    def transform(self, X: Any) -> np.ndarray:
        """Compute the codes of images.

        Parameters
        ----------
        X : array-like or pictures
            As in `fit`, of the same shape and in the same units.

        Returns
        -------
        float32 (n, code size)
            NaN for a file that can't be used.

        Raises
        ------
        InputError, SourceError, NotFittedError
        """
        return self._codes(X)

    def inverse_transform(self, Z: Any) -> np.ndarray:
        """Compute the images that codes stand for.

        Parameters
        ----------
        Z : array-like (n, code size)

        Returns
        -------
        float32 (n, n_features), (n, h, w) or (n, h, w, c)
            In the shape and units of the X of `fit`; 0 to 255 and (h, w) or (h, w, 3) where
            that was picture files.

        Raises
        ------
        InputError, NotFittedError
        """
        check_is_fitted(self)
        codes = check_array(Z, dtype=np.float32, input_name="Z")
        images = inference.decode(self.model_, codes, choose_device("float32"))
        return self.input_format_.to_rows(images)

    def reconstruction_error(self, X: Any) -> np.ndarray:
        """Measure how far each image is from its reconstruction.

        Parameters
        ----------
        X : array-like or pictures
            As in `transform`.

        Returns
        -------
        float32 (n,)
            Mean squared error over an image's values, scaled as in `fit` to 0 … 1. NaN for a
            file that can't be used.

        Raises
        ------
        InputError, SourceError, NotFittedError
        """
        images = self._read(X)
        device = choose_device("float32")
        errors = inference.reconstruction_errors(self.model_, images.pixels, device)
        return images.per_row(errors, np.nan)

    def score(self, X: Any, y: object = None) -> float:
        """Return the negative mean of `reconstruction_error`: larger is better, 0 perfect.

        Parameters
        ----------
        X : array-like or pictures
        y : ignored

        Returns
        -------
        float
            Files that can't be used don't count.
        """
        return -float(np.nanmean(self.reconstruction_error(X), dtype=np.float64))

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted estimator: weights as safetensors, the rest as JSON and Parquet.

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
        weights.save(self.model_, path)
        if self.outcomes_ is not None:
            write_atomic(path / _OUTCOMES, self.outcomes_.write_parquet)
        names = getattr(self, "feature_names_in_", None)
        fitted = {
            "input_format": asdict(self.input_format_),
            "has_outcomes": self.outcomes_ is not None,
            "feature_names_in": None if names is None else names.tolist(),
            "history": self.history_,
        }
        saved.write(self, path, fitted)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> ConvAutoencoder:
        """Read what `save` wrote; nothing is unpickled.

        Parameters
        ----------
        folder : path-like

        Returns
        -------
        ConvAutoencoder
            Gives the same codes to the bit on the same machine.

        Raises
        ------
        RunError
            If a file is absent or damaged; it is named.
        """
        path = Path(folder)
        model, fitted = saved.read(cls, path)
        with saved.reading(path / saved.FILE):
            stored = fitted["input_format"]
            shapes = {key: tuple(stored[key]) for key in ("image_shape", "row_shape")}
            model.input_format_ = InputFormat(**{**stored, **shapes})
            model.history_ = fitted["history"]
            has_outcomes, names = fitted["has_outcomes"], fitted["feature_names_in"]
        if names is not None:
            model.feature_names_in_ = np.asarray(names, dtype=object)
        model.n_features_in_ = math.prod(model.input_format_.image_shape)
        model.model_ = weights.load(path)
        with saved.reading(path / _OUTCOMES):
            model._keep(pl.read_parquet(path / _OUTCOMES) if has_outcomes else None)
        return model

    def _read_to_fit(self, X: Any) -> Images:
        wanted = self._full_recipe().images
        self.input_format_, images = read_to_fit(self, X, self.image_shape, wanted)
        self._keep(images.outcomes)
        return images

    def _read(self, X: Any) -> Images:
        check_is_fitted(self)
        return read(self, X, self.input_format_)

    def _learn(self, images: Images) -> ConvAutoencoder:
        recipe, seed = self._full_recipe(), to_seed(self.random_state)
        part = recipe.network
        shape = self.input_format_.image_shape
        widths, contours = (part.encoder, part.decoder), part.contours
        asked = Architecture(shape, *widths, part.code, part.output, contours=contours)
        model = build(limited(asked, len(images.pixels)), seed)
        device = choose_device(recipe.training.precision, (*part.encoder, *part.decoder))
        self.history_ = train(model, images.pixels, recipe.training, device, seed=seed)
        self.model_ = model
        return self

    def _codes(self, X: Any) -> np.ndarray:
        """`transform` without the frames that `set_output` may wrap it in."""
        images = self._read(X)
        return images.per_row(self._encode(images.pixels), np.nan)

    def _encode(self, pixels: np.ndarray) -> np.ndarray:
        return inference.encode(self.model_, pixels, choose_device("float32"))

    def _full_recipe(self) -> Recipe:
        asked = {"training.epochs": self.epochs, "network.code": self.code_size}
        changes = {key: whole(value) for key, value in asked.items() if value is not None}
        return change(load_recipe(self.recipe), **changes)

    def _keep(self, outcomes: pl.DataFrame | None) -> None:
        self.outcomes_ = outcomes
        self.paths_ = None
        if outcomes is not None:
            self.paths_ = outcomes.filter(pl.col("outcome") == "used")["path"].to_list()

    @property
    def _n_features_out(self) -> int:
        return self.model_.code_size

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def whole(value: Any) -> Any:
    """Return NumPy's whole numbers as int, and leave the rest to the check of the parameter."""
    return int(value) if isinstance(value, np.integer) else value
