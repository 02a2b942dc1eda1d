"""Pixels of a run to features: scaled, normalised, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pictree.device import Device
from pictree.features.base import About, Extractor
from pictree.networks.inference import to_batch

SMALL = 128
"""Images whose longest side is at most this are enlarged to it, not to the network's own side:
they have no more detail, and a third of the pixels takes a third of the time."""

BATCH = 16
"""Small enough to stay in the processor's caches: 64 at a time are a fifth slower."""


def input_size(about: About, height: int, width: int, side: int | None = None) -> tuple[int, int]:
    """Return the height and width in which images are shown to a network.

    Parameters
    ----------
    about : About
    height, width : int
        Of the images.
    side : int, optional
        Pixels of the longest side; chosen by the images' size if not given.

    Returns
    -------
    (int, int)
        The aspect ratio is kept where the network takes any size.
    """
    if about.is_fixed:
        return about.side, about.side
    longest = side or (min(SMALL, about.side) if max(height, width) <= SMALL else about.side)
    scale = longest / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def extract(
    extractor: Extractor,
    pixels: Any,
    device: Device,
    *,
    side: int | None = None,
    rows: np.ndarray | None = None,
    boxes: np.ndarray | None = None,
    batch: int = BATCH,
    on_batch: Callable[[int], object] | None = None,
) -> np.ndarray:
    """Compute the features of images.

    Parameters
    ----------
    extractor : Extractor
    pixels : array-like, uint8 or float (n, h, w, 1 or 3)
    device : Device
    side : int, optional
        See `input_size`.
    rows : int array, optional
        Which images, in which order; all by default.
    boxes : int array (n, 4), optional
        Top, left, height and width of each image inside its frame, by
        `pictree.images.decode.inner_boxes`: what lies around is not shown to the network, which
        would see kinds of border. The image is stretched to the frame instead. All of each frame
        is shown if not given.
    batch : int
        Images at a time. Batches start at multiples of it, so the same call gives the same bytes.
    on_batch : callable, optional
        Gets the number of images after each batch.

    Returns
    -------
    float32 (n or len(rows), width)
    """
    about = extractor.about
    size = input_size(about, int(pixels.shape[1]), int(pixels.shape[2]), side)
    count = len(pixels) if rows is None else len(rows)
    result = np.empty((count, about.width), np.float32)
    extractor.prepare(device)
    with torch.inference_mode():
        for start in range(0, count, batch):
            end = min(start + batch, count)
            here = np.arange(start, end) if rows is None else rows[start:end]
            images = to_batch(pixels[here], device.kind)
            if boxes is not None:
                images = without_border(images, boxes[here])
            shown = shown_as(images, size, about)
            result[start:end] = extractor.features(shown).cpu().numpy()
            if on_batch is not None:
                on_batch(end - start)
    return result


def without_border(images: Tensor, boxes: np.ndarray) -> Tensor:
    """Stretch each image float (n, c, h, w) from its box to the whole frame."""
    height, width = images.shape[2:]
    framed = np.flatnonzero((boxes[:, 2:] != [height, width]).any(axis=1))
    if len(framed):
        images = images.clone()
    for i in framed.tolist():
        top, left, high, wide = boxes[i].tolist()
        inner = images[i : i + 1, :, top : top + high, left : left + wide].clone()
        images[i : i + 1] = _scaled(inner, (height, width))
    return images


def _scaled(images: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(
        images, size, mode="bicubic", align_corners=False, antialias=True
    ).clamp_(0, 1)


def shown_as(images: Tensor, size: tuple[int, int], about: About) -> Tensor:
    """Scale images float (n, 1 or 3, h, w) in [0, 1] and normalise them, to (n, 3, *size)."""
    if tuple(images.shape[2:]) != size:
        images = _scaled(images, size)
    if images.shape[1] == 1:
        images = images.expand(-1, 3, -1, -1)
    mean, deviation = (
        torch.tensor(values, device=images.device).reshape(1, 3, 1, 1)
        for values in (about.mean, about.deviation)
    )
    return ((images - mean) / deviation).contiguous(memory_format=torch.channels_last)
