"""Learning the leaves: an autoencoder that also names the group of each image."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Autoencoder
from pictree.networks.heads import Heads, build_heads
from pictree.training.affine import random_affine
from pictree.training.losses import get_loss
from pictree.training.steps import OnBatch, autocast, gather

SMOOTHING = 0.1
"""Label smoothing (Szegedy et al. 2016): leaves are not certain."""

DRAWN_AGAIN = 4
"""One image in this many is reconstructed in each step: enough to learn to draw, and cheaper."""

WARM_UP = 0.15
"""Share of the steps in which the learning rate rises, before it falls to nothing."""

GOING_ON = 1 / 3
"""A network that has learned goes on with this share of a round's images and of its step size."""


class RoundSettings(Protocol):
    """What a round of learning reads from a recipe's rounds section."""

    @property
    def images(self) -> int:
        """Images that a round shows at least, each counted as often as it is shown."""

    @property
    def growth(self) -> float:
        """Or this many times the square root of their number, where that is more."""

    @property
    def batch_size(self) -> int:
        """Images in a batch."""

    @property
    def learning_rate(self) -> float:
        """Highest step size."""

    @property
    def change(self) -> float:
        """Greatest strength of the random changes; see `random_affine`."""


@dataclass(frozen=True)
class Names:
    """What the images are called, to be learned.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
        The images, rows of the pixels.
    leaves : list of ndarray of int32, each of shape (m,)
        Their leaves in several trees.
    clusters : ndarray of int32, shape (m,)
    confidence : ndarray of float32, shape (m,)
        Of the clusters, in [0, 1]; an image counts with its square.
    """

    rows: np.ndarray
    leaves: list[np.ndarray]
    clusters: np.ndarray
    confidence: np.ndarray


def learn_names(
    model: Autoencoder,
    pixels: Any,
    names: Names,
    settings: RoundSettings,
    device: Device,
    *,
    seed: int,
    heads: Heads | None = None,
    on_batch: OnBatch | None = None,
) -> tuple[Heads, float]:
    """Train a network to name its images' leaves and clusters under random changes, and to draw.

    The loss is the mean cross-entropy over the trees' leaves, plus that of the clusters weighted by
    the square of their confidence, plus the reconstruction loss of a quarter of the batch. AdamW
    with one cycle of the learning rate (Smith & Topin 2019).

    Parameters
    ----------
    model : Autoencoder
        Changed in place; left on the device, in evaluation mode.
    pixels : array-like, uint8 or float (n, h, w, c)
    names : Names
    settings : RoundSettings
    device : Device
    seed : int
        Of the order, the changes and the heads' start.
    heads : Heads, optional
        Those with which the network has learned already, changed in place; it goes on with a third
        of a round's images and a third of its step size. New ones by default.
    on_batch : callable, optional
        Gets the number of images after each batch.

    Returns
    -------
    heads : Heads
        The last one names the clusters.
    loss : float
        Mean over the last tenth of the steps.

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    """
    groups = [*names.leaves, names.clusters]
    share = 1.0 if heads is None else GOING_ON
    if heads is None:
        heads = build_heads(model.code_size, [int(g.max()) + 1 for g in groups], seed)
    heads.to(device.kind).train()
    model.to(device.kind).train()
    targets = torch.from_numpy(np.stack(groups).astype(np.int64)).to(device.kind)
    weights = torch.from_numpy(names.confidence.astype(np.float32) ** 2).to(device.kind)
    steps = _steps(len(names.rows), settings, share)
    optimizer = torch.optim.AdamW([*model.parameters(), *heads.parameters()], fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, share * settings.learning_rate, total_steps=steps + 1, pct_start=WARM_UP
    )
    generator = torch.Generator().manual_seed(seed)
    losses = []
    for part, x in _batches(pixels, names.rows, steps, settings.batch_size, device, seed):
        changed = random_affine(x, settings.change, generator)
        with autocast(device):
            codes = model.encode(changed)
            logits = heads(codes)
            few = max(1, len(x) // DRAWN_AGAIN)
            drawn = model.decode(codes[:few])
        loss = _naming_loss(logits, targets[:, part], weights[part])
        loss = loss + get_loss("mse", model.architecture.output)(drawn, changed[:few])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.detach())
        if on_batch is not None:
            on_batch(len(x))
    model.eval()
    return heads.eval(), _last(losses)


def _naming_loss(logits: tuple[Tensor, ...], targets: Tensor, weights: Tensor) -> Tensor:
    *leaves, clusters = (
        functional.cross_entropy(raw.float(), target, label_smoothing=SMOOTHING, reduction="none")
        for raw, target in zip(logits, targets, strict=True)
    )
    return torch.stack(leaves).mean() + (weights * clusters).mean()


def images_shown(images: int, settings: RoundSettings, share: float = 1.0) -> int:
    """Return how many images a round shows, each counted as often as it is shown.

    It grows with the square root of their number: the more there are the more is to be learned, but
    some names are wrong, and what a network sees often it learns by heart (Arpit et al. 2017).
    """
    return _steps(images, settings, share) * min(settings.batch_size, images)


def _steps(images: int, settings: RoundSettings, share: float) -> int:
    shown = share * max(settings.images, settings.growth * math.sqrt(images))
    return math.ceil(shown / min(settings.batch_size, images))


def _batches(
    pixels: Any, rows: np.ndarray, steps: int, size: int, device: Device, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield (which of the rows, their images) `steps` times, pass after pass in a new order."""
    size = min(size, len(rows))
    whole = len(rows) // size
    for start in range(0, steps, whole):
        order = np.random.default_rng([seed, start]).permutation(len(rows))
        order = order[: size * min(whole, steps - start)]
        parts = torch.from_numpy(order).to(device.kind).split(size)
        yield from zip(parts, gather(pixels, rows[order], size, device.kind), strict=True)


def _last(losses: list[Tensor]) -> float:
    value = float(torch.stack(losses[-max(1, len(losses) // 10) :]).mean())
    if not np.isfinite(value):
        raise InputError(
            "the loss must stay finite", got=str(value), do="Lower rounds.learning_rate"
        )
    return value
