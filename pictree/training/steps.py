"""One pass over the images: batches, forward, loss, and the step that learns from it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks import fused, narrow
from pictree.networks.autoencoder import Autoencoder
from pictree.networks.inference import to_batch
from pictree.training.affine import random_affine
from pictree.training.losses import Loss
from pictree.training.parts import Parts, parts_of
from pictree.training.together import Share, together_of

OnBatch = Callable[[int], None]
CHUNK_BYTES = 1 << 24
"""Pixels that are gathered and sent to the device at once: one gather serves many batches."""
_MEASURED = 1024
"""Images in a batch where nothing is learned."""


class RandomChanges(NamedTuple):
    """Random changes of images: their greatest strength (see `random_affine`) and their seed."""

    strength: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class Steps:
    """What a pass over images needs.

    Attributes
    ----------
    model : Autoencoder
    loss : Loss
    optimizer : torch.optim.Optimizer
    device : Device
    share : Share, optional
        Of each batch, where several processes learn it; all of it by default.
    """

    model: Autoencoder
    loss: Loss
    optimizer: torch.optim.Optimizer
    device: Device
    share: Share | None = None

    def learn(
        self,
        pixels: Any,
        order: np.ndarray,
        batch_size: int,
        on_batch: OnBatch | None,
        changes: RandomChanges,
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
        changes : RandomChanges
            Under which the images are learned.

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
        generator = torch.Generator().manual_seed(changes.seed)
        with fused.wanted(), self._learner(batch_size) as learn:
            for x in gather(pixels, order, batch_size, self.device.kind):
                losses.append(learn(random_affine(x, changes.strength, generator)))
                self.optimizer.step()
                weights.append(len(x))
                if on_batch is not None:
                    on_batch(len(x))
        return mean_loss(losses, weights)

    @contextmanager
    def _learner(self, batch_size: int) -> Iterator[Callable[[Tensor], Tensor]]:
        """Yield what sets the gradients of a batch and returns its loss."""
        if self.share is None and narrow.fits(self.model, self.device):
            from pictree.networks.whole import Whole

            whole = Whole(self.model)
            yield lambda x: whole.learn(x, self.loss)
            # Its ReLU makes nought of NaN, so the loss may not tell what became of the weights.
            if not all(bool(p.isfinite().all()) for p in self.model.parameters()):
                raise _not_finite(math.nan)
            return
        with self._parts(batch_size) as parts:
            yield lambda x: parts.learn(x, self._loss_of)

    def _parts(self, batch_size: int) -> AbstractContextManager[Parts]:
        if self.share is None:
            return parts_of(self.model, self.device.kind, batch_size)
        return together_of(self.model, self.share)

    def _loss_of(self, x: Tensor) -> Tensor:
        with autocast(self.device):
            raw = self.model(x)
        return self.loss(raw, x)

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
        return mean_loss(losses, weights)


def autocast(device: Device) -> AbstractContextManager:
    """Return the context in which a forward pass has the device's number format."""
    if device.precision == "float32":
        return nullcontext()
    # Without the cache, which all threads would share.
    return torch.autocast(device.kind, torch.bfloat16, cache_enabled=False)


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


def shuffled(n: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return `count` of the numbers below n: all in a random order, then all in another.

    Parameters
    ----------
    n : int
        At least 1.
    count : int
    rng : numpy.random.Generator
        Advanced by this call.

    Returns
    -------
    ndarray of int64, shape (count,)
    """
    passes = [rng.permutation(n) for _ in range(-(-count // n))]
    return np.concatenate(passes)[:count]


def one_cycle(done: float, highest: float, warm_up: float = 0.15) -> float:
    """Return the learning rate when a share of the steps is done (Smith & Topin 2019).

    Parameters
    ----------
    done : float
        In [0, 1].
    highest : float
    warm_up : float
        Share of the steps in which the rate rises from `highest` / 25; then it falls to nothing,
        both along half a cosine.

    Returns
    -------
    float
    """
    if done < warm_up:
        risen = (1 - math.cos(math.pi * done / warm_up)) / 2
        return highest * (1 + 24 * risen) / 25
    return highest * (1 + math.cos(math.pi * (done - warm_up) / (1 - warm_up))) / 2


def mean_loss(losses: list[Tensor], weights: list[int], key: str = "training") -> float:
    """Return the weighted mean of the batches' losses.

    Raises
    ------
    InputError
        When it is NaN or infinite; tells to lower the learning rate of the recipe's section
        `key`.
    """
    # One look at the end: reading each loss would make the device wait at every batch.
    value = float(np.average(torch.stack(losses).cpu().double().numpy(), weights=weights))
    if not np.isfinite(value):
        raise _not_finite(value, key)
    return value


def _not_finite(value: float, key: str = "training") -> InputError:
    return InputError(
        "the loss must stay finite",
        got=str(value),
        do=f"Lower {key}.learning_rate, and check the images for NaN",
    )
