"""The linear autoencoder, whose best weights are known: no epochs, no learning rate."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np
import torch

from pictree.device import Device
from pictree.networks.autoencoder import Autoencoder
from pictree.networks.inference import (
    check_shape,
    images_at_once,
    reconstruction_errors,
    to_batch,
)
from pictree.networks.layers import Dense

SAMPLE = 20_000
"""Above this many images the weights are those of this many, drawn at random."""

BATCH = 256
"""Images at a time in the sums for the decoder."""

TONE_SHARE = 0.5
"""How far tones vary in what the code is made of, as a share of how far contours do."""


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
    seen = _seen(model, pixels, drawn)
    scale = _scale(model, seen)
    seen *= scale
    mean, axes = _principal(seen, model.code_size, seed)
    _set_weights(model.encoder.dense, axes * scale, -axes @ mean)
    if model.encoder.contours is None:
        _set_weights(model.decoder.dense, axes.T, mean)
    else:
        codes = (seen - mean) @ axes.T
        _set_weights(model.decoder.dense, *_least_squares(codes, pixels, drawn))
    loss = float(reconstruction_errors(model, pixels, device, drawn).mean())
    measured = None
    if validation is not None:
        measured = float(reconstruction_errors(model, validation[0], device, validation[1]).mean())
    seconds = round(time.perf_counter() - start, 3)
    return [{"epoch": 1, "loss": loss, "validation_loss": measured, "seconds": seconds}]


def _seen(model: Autoencoder, pixels: Any, rows: np.ndarray) -> np.ndarray:
    """Return what the encoder's dense layer sees of some images, float32 (n, numbers)."""
    at_once = images_at_once(model.architecture)
    parts = [pixels[rows[i : i + at_once]] for i in range(0, len(rows), at_once)]
    with torch.inference_mode():
        return np.concatenate([model.encoder.flat(to_batch(part, "cpu")).numpy() for part in parts])


def _scale(model: Autoencoder, seen: np.ndarray) -> np.ndarray:
    """Return what to multiply each number by: tones vary `TONE_SHARE` as much as contours do."""
    scale = np.ones(seen.shape[1], np.float32)
    if model.encoder.contours is not None:
        parts = slice(model.encoder.contours.contours), slice(model.encoder.contours.contours, None)
        for part, share in zip(parts, (1.0, TONE_SHARE), strict=True):
            spread = float(np.sqrt(seen[:, part].var(axis=0, dtype=np.float64).sum()))
            scale[part] = share / spread if spread > 0 else share
    return scale


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


def _least_squares(
    codes: np.ndarray, pixels: Any, rows: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and bias that draw images from their codes with the least squared error.

    The codes' mean is 0 and they don't correlate, so each number's weights stand alone.
    """
    codes = codes.astype(np.float64)
    drawn = np.zeros((codes.shape[1], math.prod(pixels.shape[1:])))
    mean = np.zeros(drawn.shape[1])
    for first in range(0, len(rows), BATCH):
        part = to_batch(pixels[rows[first : first + BATCH]], "cpu").permute(0, 2, 3, 1)
        flat = part.flatten(1).double().numpy()
        drawn += codes[first : first + BATCH].T @ flat
        mean += flat.sum(axis=0)
    spread = np.square(codes).sum(axis=0)[:, None]
    weights = np.divide(drawn, spread, out=np.zeros_like(drawn), where=spread > 0)
    return weights.T, mean / len(rows)


def _set_weights(layer: Dense | None, weight: np.ndarray, bias: np.ndarray) -> None:
    if layer is None:
        return
    tensors = {"weight": weight, "bias": bias}
    layer.load_state_dict(
        {name: torch.from_numpy(np.ascontiguousarray(w, np.float32)) for name, w in tensors.items()}
    )
