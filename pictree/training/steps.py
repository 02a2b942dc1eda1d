"""One pass over the images: batches, forward, loss, and the step that learns from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Autoencoder
from pictree.networks.inference import to_batch
from pictree.training.losses import Loss

OnBatch = Callable[[int], None]
CHUNK_BYTES = 1 << 24
"""Pixels that are gathered and sent to the device at once: one gather serves many batches."""
_MEASURED = 1024
"""Images in a batch where nothing is learned."""


@dataclass(frozen=True)
class Steps:
    """What a pass over images needs.

    Attributes
    ----------
    model : Autoencoder
    loss : Loss
    optimizer : torch.optim.Optimizer
    device : Device
    """

    model: Autoencoder
    loss: Loss
    optimizer: torch.optim.Optimizer
    device: Device

    def learn(
        self, pixels: Any, order: np.ndarray, batch_size: int, on_batch: OnBatch | None
    ) -> float:
        """Learn from the images once, in the given order.

        Parameters
        ----------
        pixels : array-like, uint8 or float (n, h, w, c)
        order : int array
            Rows of `pixels`.
        batch_size : int
        on_batch : callable or None
            Gets the number of images after each batch.

        Returns
        -------
        float
            Mean loss of the batches as they were met, weighted by their size.

        Raises
        ------
        InputError
            When the loss becomes NaN or infinite.
        """
        self.model.train()
        losses, weights = [], []
        for x in gather(pixels, order, batch_size, self.device.kind):
            with autocast(self.device):
                raw = self.model(x)
            loss = self.loss(raw, x)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
            weights.append(len(x))
            if on_batch is not None:
                on_batch(len(x))
        return _mean(losses, weights)

    def measure(self, pixels: Any, rows: np.ndarray) -> float:
        """Measure the mean loss of images, in float32, without learning.

        Parameters
        ----------
        pixels : array-like, uint8 or float (n, h, w, c)
        rows : int array

        Returns
        -------
        float

        Raises
        ------
        InputError
            When the loss is NaN or infinite.
        """
        self.model.eval()
        losses, weights = [], []
        with torch.inference_mode():
            for x in gather(pixels, rows, _MEASURED, self.device.kind):
                losses.append(self.loss(self.model(x), x))
                weights.append(len(x))
        return _mean(losses, weights)


def autocast(device: Device) -> AbstractContextManager:
    """Return the context in which a forward pass has the device's number format."""
    if device.precision == "float32":
        return nullcontext()
    return torch.autocast(device.kind, torch.bfloat16)


def gather(pixels: Any, order: np.ndarray, size: int, kind: str) -> Iterator[Tensor]:
    """Yield images batch by batch, in the given order, on the device.

    Parameters
    ----------
    pixels : array-like, uint8 or float (n, h, w, c)
    order : int array
        Rows of `pixels`.
    size : int
        Images in a batch; the last one may have fewer.
    kind : str
        Device, for example "cpu".

    Yields
    ------
    float32 (size, c, h, w)
    """
    one = int(np.prod(pixels.shape[1:]))
    chunk = max(1, CHUNK_BYTES // (one * size)) * size
    for start in range(0, len(order), chunk):
        yield from to_batch(pixels[order[start : start + chunk]], kind).split(size)


def _mean(losses: list[Tensor], weights: list[int]) -> float:
    # One look at the end: reading each loss would make the device wait at every batch.
    value = float(np.average(torch.stack(losses).cpu().double().numpy(), weights=weights))
    if not np.isfinite(value):
        raise InputError(
            "the loss must stay finite",
            got=str(value),
            do="Lower training.learning_rate, and check the images for NaN",
        )
    return value
