"""Forward passes over many images: codes, reconstructions and their errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Architecture, Autoencoder
from pictree.networks.contours import DIRECTIONS

MAPS_BYTES = 1 << 23
MOST_IMAGES = 1024


def to_batch(pixels: np.ndarray, kind: str) -> Tensor:
    """Turn pixels into a network's input.

    Parameters
    ----------
    pixels : uint8 or float (n, h, w, c)
        uint8 is divided by 255; floats are taken as they are, in [0, 1].
    kind : str
        Device, for example "cpu".

    Returns
    -------
    float32 (n, c, h, w)
        In the channels-last layout.
    """
    # A copy where the array is read-only (a memory map): torch must own what it may write.
    array = np.require(pixels, requirements=["C", "W"])
    batch = torch.from_numpy(array).to(kind).permute(0, 3, 1, 2)
    if batch.dtype == torch.uint8:
        return batch.to(torch.float32).div_(255)
    return batch.to(torch.float32)


def images_at_once(architecture: Architecture) -> int:
    """Return how many images keep the widest maps within `MAPS_BYTES`; at most `MOST_IMAGES`.

    Larger maps are taken from the system anew at each batch, which costs twice as much as the
    arithmetic.
    """
    if architecture.is_linear and not architecture.contours:
        return MOST_IMAGES
    height, width, channels = architecture.image_shape
    widest = max(architecture.encoder + architecture.decoder, default=DIRECTIONS * channels)
    return min(MOST_IMAGES, max(1, MAPS_BYTES // (4 * height * width * widest)))


def encode(
    model: Autoencoder,
    pixels: Any,
    device: Device,
    rows: np.ndarray | None = None,
    batch: int | None = None,
) -> np.ndarray:
    """Compute the codes of images.

    Parameters
    ----------
    model : Autoencoder
    pixels : array-like, uint8 or float (n, h, w, c)
    device : Device
        Only its kind counts: codes are computed in float32 everywhere, so that they don't
        depend on the number format of the training.
    rows : int array, optional
        Which images, in which order; all by default.
    batch : int, optional
        Images at a time; see `images_at_once`. Batches start at multiples of it, so the same call
        gives the same bytes.

    Returns
    -------
    float32 (n or len(rows), code_size)

    Raises
    ------
    InputError
        When the images' shape is not the model's.
    """
    size = (len(pixels) if rows is None else len(rows), model.code_size)
    return _run(model, model.encode, pixels, device, rows, batch, size)


def decode(
    model: Autoencoder, codes: np.ndarray, device: Device, batch: int | None = None
) -> np.ndarray:
    """Compute the images that codes stand for.

    Parameters
    ----------
    model : Autoencoder
    codes : float (n, code_size)
    device : Device
    batch : int, optional
        Codes at a time; see `images_at_once`.

    Returns
    -------
    float32 (n, h, w, c)
        In [0, 1].

    Raises
    ------
    InputError
        When the codes' size is not the model's.
    """
    if np.ndim(codes) != 2 or codes.shape[1] != model.code_size:
        raise InputError(
            f"codes must have shape (n, {model.code_size})",
            got=f"shape {np.shape(codes)}",
            do="Pass codes of this model",
        )
    batch = batch or images_at_once(model.architecture)
    result = np.empty((len(codes), *model.architecture.image_shape), np.float32)
    _prepare(model, device)
    with torch.inference_mode():
        for start in range(0, len(codes), batch):
            z = torch.from_numpy(np.array(codes[start : start + batch], np.float32))
            images = model.to_pixels(model.decode(z.to(device.kind))).permute(0, 2, 3, 1)
            result[start : start + batch] = images.cpu().numpy()
    return result


def reconstruction_errors(
    model: Autoencoder,
    pixels: Any,
    device: Device,
    rows: np.ndarray | None = None,
    batch: int | None = None,
) -> np.ndarray:
    """Measure how far each image is from its reconstruction.

    Parameters
    ----------
    model : Autoencoder
    pixels : array-like, uint8 or float (n, h, w, c)
    device : Device
    rows : int array, optional
        Which images, in which order; all by default.
    batch : int, optional
        Images at a time; see `images_at_once`.

    Returns
    -------
    float32 (n or len(rows),)
        Mean squared error over an image's pixels, in [0, 1].

    Raises
    ------
    InputError
        When the images' shape is not the model's.
    """

    def errors(x: Tensor) -> Tensor:
        return (model.to_pixels(model(x)) - x).square().mean(dim=(1, 2, 3))

    size = (len(pixels) if rows is None else len(rows),)
    return _run(model, errors, pixels, device, rows, batch, size)


def _run(
    model: Autoencoder,
    function: Callable[[Tensor], Tensor],
    pixels: Any,
    device: Device,
    rows: np.ndarray | None,
    batch: int | None,
    size: tuple[int, ...],
) -> np.ndarray:
    check_shape(model, pixels)
    batch = batch or images_at_once(model.architecture)
    result = np.empty(size, np.float32)
    _prepare(model, device)
    with torch.inference_mode():
        for start, part in _parts(pixels, rows, batch, size[0]):
            values = function(to_batch(part, device.kind))
            result[start : start + len(part)] = values.cpu().numpy()
    return result


def check_shape(model: Autoencoder, pixels: Any) -> None:
    """Refuse images that are not of the model's shape.

    Parameters
    ----------
    model : Autoencoder
    pixels : array-like (n, h, w, c)

    Raises
    ------
    InputError
    """
    expected = model.architecture.image_shape
    if len(pixels.shape) != 4 or tuple(pixels.shape[1:]) != expected:
        raise InputError(
            f"images must have shape (n, {', '.join(map(str, expected))})",
            got=f"shape {tuple(pixels.shape)}",
            do="Bring the images to the model's format first",
        )


def _parts(
    pixels: Any, rows: np.ndarray | None, batch: int, n: int
) -> Iterator[tuple[int, np.ndarray]]:
    for start in range(0, n, batch):
        end = min(start + batch, n)
        yield start, pixels[np.arange(start, end) if rows is None else rows[start:end]]


def _prepare(model: Autoencoder, device: Device) -> None:
    model.eval().to(device.kind)
