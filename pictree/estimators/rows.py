"""What users pass as X, to pixels that a network takes, and back."""

from __future__ import annotations

import math
import os
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from pictree.errors import InputError
from pictree.images.arrays import check_images, stack_images
from pictree.images.decode import ImageFormat
from pictree.images.format import choose_format
from pictree.images.inventory import problems, take_stock
from pictree.images.scale import natural_range
from pictree.images.sources import Source, open_source
from pictree.recipes.parts import ImagesPart

_NAMED = 3
"""Unusable files that the warning names."""
_ARRAYS = ("__array__", "shape")
"""Arrays, tables and sparse matrices have one of these; torch's data sets have neither."""


@dataclass(frozen=True)
class InputFormat:
    """How the rows of X stand for images: what `fit` saw and later calls must keep to.

    Attributes
    ----------
    image_shape : (int, int, int)
        Height, width, channels.
    row_shape : tuple of int
        Shape of one row of X: (n_features,), (h, w) or (h, w, c).
    low, high : float
        Values of X that become 0 and 1.
    is_array : bool
        Whether `low` and `high` hold for the values of arrays that come later in a file (.npy,
        IDX …). Not after picture files: then each file's own type tells.
    deep : (int, int) or None
        Values that become 0 and 1 in grey files of 12 and 16 bits, where not all of them do.
    """

    image_shape: tuple[int, int, int]
    row_shape: tuple[int, ...]
    low: float
    high: float
    is_array: bool
    deep: tuple[int, int] | None = None

    def to_pixels(self, rows: np.ndarray) -> np.ndarray:
        """Turn (n, n_features) into (n, h, w, c): uint8 as it is, else float32, 0 for `low`."""
        images = rows.reshape(-1, *self.image_shape)
        if rows.dtype == np.uint8 and (self.low, self.high) == (0, 255):
            return images
        small = rows.dtype.itemsize <= 2 or rows.dtype == np.float32
        wide: np.ndarray = images.astype(np.float32 if small else np.float64)
        # Halves: the difference of two large floats overflows. Constant data become 0, and so do
        # those whose span is less than their type can hold.
        span = wide.dtype.type(self.high / 2 - self.low / 2) or 1.0
        return ((wide / 2 - self.low / 2) / span).astype(np.float32)

    def to_rows(self, images: np.ndarray) -> np.ndarray:
        """Turn images in [0, 1], (n, h, w, c), into float32 (n, *row_shape) in X's units."""
        values = self.low + images * (self.high - self.low)
        return values.astype(np.float32).reshape(-1, *self.row_shape)


@dataclass(frozen=True)
class Images:
    """The usable images of X.

    Attributes
    ----------
    pixels : uint8 or float32 (n, h, w, c)
    outcomes : polars.DataFrame or None
        The inventory of the files, a row for each; None where X was an array.
    """

    pixels: np.ndarray
    outcomes: pl.DataFrame | None = None

    def per_row(self, values: np.ndarray, missing: float) -> np.ndarray:
        """Spread values of the usable images over all rows of X, duplicates included."""
        if self.outcomes is None:
            return values
        first = self.outcomes.select(pl.coalesce("duplicate_of", "id")).to_series().to_numpy()
        is_used = (self.outcomes["outcome"] == "used").to_numpy()
        known = is_used[first]
        spread = np.full((len(first), *values.shape[1:]), missing, values.dtype)
        spread[known] = values[(np.cumsum(is_used) - 1)[first[known]]]
        return spread


def read_to_fit(
    estimator: BaseEstimator,
    X: Any,
    image_shape: tuple[int, ...] | None,
    wanted: ImagesPart,
) -> tuple[InputFormat, Images]:
    """Read what `fit` was given.

    Parameters
    ----------
    estimator : BaseEstimator
        Gets ``n_features_in_``, and ``feature_names_in_`` where X has names.
    X : array-like, str, path, Source, or list of these
    image_shape : (h, w) or (h, w, c), optional
        As the user asked.
    wanted : ImagesPart
        The recipe's size and channels, for files.

    Returns
    -------
    input_format : InputFormat
    images : Images

    Raises
    ------
    InputError, SourceError
    ValueError
        scikit-learn's own, for NaN, empty, complex or sparse arrays.
    """
    asked = None if image_shape is None else _checked_shape(image_shape)
    if is_source(X):
        return _stock_to_fit(estimator, X, asked, wanted)
    rows, row_shape = _as_rows(X)
    if asked and row_shape and _with_channels(row_shape) != asked:
        raise InputError(
            "image_shape must be the shape of the images",
            got=f"{asked} for images of shape {row_shape}",
            do="Leave image_shape out",
        )
    rows = validate_data(estimator, rows)
    if asked and math.prod(asked) != rows.shape[1]:
        raise InputError(
            "image_shape must have as many numbers as a row of X",
            got=f"{asked}, {math.prod(asked)} numbers, for rows of {rows.shape[1]}",
            do="Pass the height, width and channels of your images",
        )
    shape = asked or _with_channels(row_shape or (1, rows.shape[1]))
    is_float = rows.dtype.kind == "f"
    low, high = (rows.min(), rows.max()) if is_float else natural_range(rows)
    fmt = InputFormat(shape, row_shape or rows.shape[1:], float(low), float(high), True)
    return fmt, Images(fmt.to_pixels(rows))


def read(estimator: BaseEstimator, X: Any, fmt: InputFormat) -> Images:
    """Read images for a fitted estimator; parameters and errors as `read_to_fit`."""
    if is_source(X):
        source = open_source(X)
        if source.value_range and fmt.is_array:
            source.value_range = (fmt.low, fmt.high)
        return _take(source, fmt.image_shape, fmt.deep)[0]
    rows, row_shape = _as_rows(X)
    if row_shape and _with_channels(row_shape) != fmt.image_shape:
        raise InputError(
            "images must have the shape seen in fit",
            got=f"{row_shape} instead of {fmt.image_shape}",
            do="Resize them, or fit again",
        )
    return Images(fmt.to_pixels(validate_data(estimator, rows, reset=False)))


def is_source(X: Any) -> bool:
    """Tell whether X names pictures (a path, a source, a list with paths) or holds numbers."""
    kinds = (str, os.PathLike, Source)
    some = isinstance(X, (list, tuple)) and any(isinstance(item, kinds) for item in X)
    return some or isinstance(X, kinds)


def _as_rows(X: Any) -> tuple[Any, tuple[int, ...] | None]:
    """Flatten images to rows; return the shape of one, or None where X is no images."""
    if isinstance(X, (list, tuple)) and len(X) > 0:
        is_list = all(isinstance(item, np.ndarray) for item in X)
        X = stack_images(list(X)) if is_list and X[0].ndim > 1 else X
    if not isinstance(X, (list, tuple)) and not any(hasattr(X, name) for name in _ARRAYS):
        raise InputError(
            "X must be an array, or name pictures",
            got=type(X).__name__,
            do="Pass an array; of a data set, such as np.stack([image for image, _ in data])",
        )
    if getattr(X, "ndim", 0) < 3:
        return X, None
    images = np.asarray(X)
    check_images(images, "X")
    return images.reshape(len(images), -1), images.shape[1:]


def _checked_shape(image_shape: tuple[int, ...]) -> tuple[int, int, int]:
    try:
        shape = tuple(int(side) for side in image_shape)
    except (TypeError, ValueError):
        shape = ()
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise InputError(
            "image_shape must be (height, width) or (height, width, channels)",
            got=repr(image_shape),
            do="Pass for example (28, 28)",
        )
    return _with_channels(shape)


def _with_channels(shape: tuple[int, ...]) -> tuple[int, int, int]:
    height, width, channels = (*shape, 1)[:3]
    return height, width, channels


def _stock_to_fit(
    estimator: BaseEstimator, X: Any, asked: tuple[int, int, int] | None, wanted: ImagesPart
) -> tuple[InputFormat, Images]:
    source = open_source(X)
    size = None if isinstance(wanted.size, str) else wanted.size
    channels = {"auto": None, "grey": 1, "colour": 3}[wanted.channels]
    if asked is not None:
        size, channels = asked[:2], asked[2]
    found = choose_format(source, size, channels)
    asked = found.height, found.width, found.channels
    images, _ = _take(source, asked, found.deep)
    validate_data(estimator, images.pixels.reshape(len(images.pixels), -1), skip_check_array=True)
    low, high = source.value_range or (0.0, 255.0)
    row_shape = asked[:2] if asked[2] == 1 else asked
    is_array = source.value_range is not None
    return InputFormat(asked, row_shape, low, high, is_array, found.deep), images


def _take(
    source: Source, image_shape: tuple[int, int, int], deep: tuple[int, int] | None
) -> tuple[Images, pl.DataFrame]:
    if image_shape[2] not in (1, 3):
        raise InputError(
            "pictures from files have 1 or 3 channels",
            got=f"a model or image_shape with {image_shape[2]}",
            do="Pass arrays instead, or fit again on pictures of 1 or 3 channels",
        )
    fmt = ImageFormat(*image_shape, "as in fit", deep)
    outcomes, pixels = take_stock(source, range(len(source)), fmt, first_id=0, seen={})
    _warn(problems(outcomes), len(source))
    return Images(pixels, outcomes), outcomes


def _warn(unusable: pl.DataFrame, files: int) -> None:
    if not len(unusable):
        return
    rows = unusable.head(_NAMED).select("path", "outcome", "reason").iter_rows()
    named = "; ".join(f"{path}: {outcome}, {reason}" for path, outcome, reason in rows)
    more = "; and others" if len(unusable) > _NAMED else ""
    warnings.warn(
        f"{len(unusable):,} of {files:,} pictures can't be used: {named}{more}. "
        "fit leaves them out; predict gives them -1, transform NaN.",
        UserWarning,
        stacklevel=2,
    )
