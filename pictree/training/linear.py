"""The linear autoencoder, whose best weights are known: no epochs, no learning rate."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from pictree.device import Device
from pictree.networks.autoencoder import Autoencoder
from pictree.networks.inference import check_shape, reconstruction_errors

SAMPLE = 20_000
"""Above this many images the weights are those of this many, drawn at random."""


def fit_linear(
    model: Autoencoder,
    pixels: Any,
    device: Device,
    *,
    seed: int,
    train_rows: np.ndarray,
    validation: tuple[Any, np.ndarray | None] | None = None,
) -> list[dict[str, Any]]:
    """Give a linear autoencoder the weights with the least squared error.

    These are the images' principal components (Baldi & Hornik 1989, "Neural networks and
    principal component analysis: learning from examples without local minima").

    Parameters
    ----------
    model : Autoencoder
        Of an architecture without convolutions; changed in place.
    pixels : array-like, uint8 or float (n, h, w, c)
    device : Device
    seed : int
        Seed of the draw and, for wide images, of the randomised solver.
    train_rows : int array
        The images to learn from; at least as many as the code has numbers.
    validation : (pixels, rows), optional
        Images whose loss is measured.

    Returns
    -------
    list of dict
        One row as `pictree.training.loop.train` returns them: epoch 1, loss and
        validation_loss (mean squared errors), seconds.

    Raises
    ------
    InputError
        When the images' shape is not the model's.
    """
    start = time.perf_counter()
    check_shape(model, pixels)
    rng = np.random.default_rng(seed)
    drawn = train_rows
    if len(train_rows) > SAMPLE:
        drawn = np.sort(rng.choice(train_rows, SAMPLE, replace=False))
    mean, axes = _principal(_flat(pixels[drawn]), model.code_size, seed)
    _set_weights(model, mean, axes)
    loss = float(reconstruction_errors(model, pixels, device, drawn).mean())
    measured = None
    if validation is not None:
        measured = float(reconstruction_errors(model, validation[0], device, validation[1]).mean())
    seconds = round(time.perf_counter() - start, 3)
    return [{"epoch": 1, "loss": loss, "validation_loss": measured, "seconds": seconds}]


def _flat(images: np.ndarray) -> np.ndarray:
    rows = images.reshape(len(images), -1).astype(np.float32)
    if images.dtype == np.uint8:
        rows /= 255
    return rows


def _principal(rows: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.decomposition import PCA

    if rows.shape[1] <= min(len(rows), 2_000):
        solver = "covariance_eigh"
    else:  # the exact decomposition's time grows with the smaller side's square
        solver = "full" if min(rows.shape) <= max(1_000, 2 * count) else "randomized"
    # Warnings of columns without variance: they get weight zero, as they should.
    with np.errstate(invalid="ignore", divide="ignore"):
        found = PCA(count, svd_solver=solver, random_state=seed).fit(rows)
    return found.mean_, found.components_


def _set_weights(model: Autoencoder, mean: np.ndarray, axes: np.ndarray) -> None:
    weights = {
        "encoder.dense.weight": axes,
        "encoder.dense.bias": -axes @ mean,
        "decoder.dense.weight": axes.T,
        "decoder.dense.bias": mean,
    }
    tensors = {name: torch.from_numpy(np.ascontiguousarray(w)) for name, w in weights.items()}
    model.load_state_dict(tensors)
