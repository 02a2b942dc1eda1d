"""Deep embedded clustering: codes move to the centres that they are already nearest to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from pictree.clustering.kmeans import nearest_centre
from pictree.device import Device
from pictree.networks import inference
from pictree.networks.autoencoder import Autoencoder
from pictree.training import checkpoint as checkpoints
from pictree.training.affine import random_affine
from pictree.training.loop import repeatable
from pictree.training.losses import get_loss
from pictree.training.resume import fingerprint, resume
from pictree.training.steps import OnBatch, autocast, gather, mean_loss, shuffled
from pictree.training.together import Share, Together, one_thread, together_of

_AT_ONCE = 8_192


class DecSettings(Protocol):
    """What is read from a recipe's dec section."""

    @property
    def updates(self) -> int:
        """Most updates of the target, at least 1."""

    @property
    def interval(self) -> int:
        """Steps between two updates."""

    @property
    def batch_size(self) -> int:
        """Images in a batch."""

    @property
    def learning_rate(self) -> float:
        """Step size."""

    @property
    def gamma(self) -> float:
        """Weight of the clustering loss beside the reconstruction loss."""

    @property
    def tolerance(self) -> float:
        """Learning ends when a smaller share of the images changes its cluster."""

    @property
    def change(self) -> float:
        """Greatest strength of the random changes; see `random_affine`."""


@dataclass(frozen=True)
class Refined:
    """What refining gave.

    Attributes
    ----------
    model : Autoencoder
    centres : ndarray of float32, shape (k, code size)
    codes : ndarray of float32, shape (n, code size)
        Of the images that were learned, by the refined network.
    confidence : ndarray of float32, shape (n,)
        Soft assignment of each image to its nearest centre.
    history : list of dict
        A row per update: update (from 1), loss, changed (share of the images whose nearest
        centre is another than before).
    """

    model: Autoencoder
    centres: np.ndarray
    codes: np.ndarray
    confidence: np.ndarray
    history: list[dict[str, Any]]


class Centred(nn.Module):
    """An autoencoder, and the centres among its codes.

    Parameters
    ----------
    autoencoder : Autoencoder
    centres : float array (k, code size)
    """

    def __init__(self, autoencoder: Autoencoder, centres: np.ndarray) -> None:
        super().__init__()
        self.autoencoder = autoencoder
        self.centres = nn.Parameter(torch.from_numpy(centres.astype(np.float32)))


def soft_assignment(codes: Tensor, centres: Tensor) -> Tensor:
    """Assign codes to centres by Student's t of one degree of freedom (Xie et al. 2016, eq. 1).

    Parameters
    ----------
    codes : float (n, d)
    centres : float (k, d)

    Returns
    -------
    float32 (n, k)
        Q: each row sums to 1.
    """
    squares = (codes.float()[:, None] - centres[None]).square().sum(dim=2)
    near = 1 / (1 + squares)
    return near / near.sum(dim=1, keepdim=True)


def target_of(assignment: Tensor) -> Tensor:
    """Sharpen an assignment: what is sure counts more, large clusters less (eq. 3).

    Parameters
    ----------
    assignment : float (n, k)
        Q, of all images.

    Returns
    -------
    float (n, k)
        P: each row sums to 1.
    """
    sharp = assignment.square() / assignment.sum(dim=0)
    return sharp / sharp.sum(dim=1, keepdim=True)


def divergence(target: Tensor, assignment: Tensor) -> Tensor:
    """Kullback-Leibler divergence of Q from P in nats, the mean over the images (eq. 2).

    Parameters
    ----------
    target, assignment : float (n, k)

    Returns
    -------
    float ()
    """
    apart = torch.xlogy(target, target) - torch.xlogy(target, assignment)
    return apart.sum(dim=1).mean()


def refine(
    autoencoder: Autoencoder,
    centres: np.ndarray,
    pixels: Any,
    settings: DecSettings,
    device: Device,
    *,
    rows: np.ndarray | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    on_batch: OnBatch | None = None,
    on_update: Callable[[dict[str, Any]], None] | None = None,
    share: Share | None = None,
    until: int | None = None,
    codes: np.ndarray | None = None,
) -> Refined:
    """Move codes and centres so that the clusters stand apart, and keep the codes drawable.

    The loss is the reconstruction loss (mean squared error) of randomly changed images plus gamma
    times the divergence of their soft assignment from the target of the unchanged images, which
    is computed anew at each update (Xie, Girshick & Farhadi 2016; Guo, Gao, Liu & Yin 2017, for
    the reconstruction; Guo, Zhu, Liu & Yin 2018, for the changes). Adam.

    Parameters
    ----------
    autoencoder : Autoencoder
        Trained; changed in place; left on the device, in evaluation mode.
    centres : float array (k, code size)
        Such as k-means finds among the codes.
    pixels : array-like, uint8 or float (N, h, w, c)
    settings : DecSettings
    device : Device
    rows : int array (n,), optional
        The images to learn from; all by default.
    seed : int
        What follows update u draws from ``[seed, u]``, so a resumed training sees the same.
    checkpoint : Path, optional
        Folder that keeps the states after the last two updates. Where it has one already,
        training goes on from it.
    on_batch : callable, optional
        Gets the number of images after each batch; on resuming, first those of the finished ones.
    on_update : callable, optional
        Gets each new history row, after its checkpoint is on disk.
    share : Share, optional
        What this process learns of each batch, where several learn together; the first of them
        saves.
    until : int, optional
        Stop for now after this update.
    codes : float32 array (n, code size), optional
        The images' codes at the start, where they are known; else they are computed.

    Returns
    -------
    Refined

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    RunError
        When the checkpoint belongs to another training.
    """
    rows = np.arange(len(pixels)) if rows is None else rows
    model = Centred(autoencoder, centres).to(device.kind)
    rate = settings.learning_rate
    optimizer = torch.optim.Adam(model.parameters(), lr=rate, fused=device.kind != "mps")
    mark = fingerprint(autoencoder, settings, seed=seed, images=len(rows), held_out=0)
    mark |= {"clusters": len(centres)} | ({"parts": share.parts} if share else {})
    history = resume(checkpoint, model, optimizer, mark, settings.updates)
    work = _Updates(model, optimizer, pixels, rows, settings, device, on_batch, share)
    if history and on_batch is not None:
        on_batch(len(history) * work.count)
    codes = work.codes() if codes is None or history else codes
    with repeatable(autoencoder.architecture, settings.batch_size):
        while not ended(history, settings) and len(history) != until:
            update = len(history) + 1
            before = nearest_centre(codes, work.centres())
            loss = work.learn(codes, np.random.default_rng([seed, update]))
            codes = work.codes()
            changed = float((nearest_centre(codes, work.centres()) != before).mean())
            history.append({"update": update, "loss": loss, "changed": changed})
            if checkpoint is not None and (share is None or share.rank == 0):
                checkpoints.save(checkpoint, model, optimizer, checkpoints.Progress(mark, history))
            if on_update is not None:
                on_update(history[-1])
    confidence = work.assignment(codes).max(dim=1).values.cpu().numpy()
    return Refined(autoencoder, work.centres(), codes, confidence, history)


def ended(history: list[dict[str, Any]], settings: DecSettings) -> bool:
    """Tell whether all updates are done, or the last one changed too little to go on."""
    if not history:
        return False
    return len(history) >= settings.updates or history[-1]["changed"] < settings.tolerance


def images_shown(images: int, settings: DecSettings) -> int:
    """Return how many images are shown between two updates, each as often as it is shown."""
    return settings.interval * min(settings.batch_size, images)


class _Updates:
    """What each update needs."""

    def __init__(
        self,
        model: Centred,
        optimizer: torch.optim.Optimizer,
        pixels: Any,
        rows: np.ndarray,
        settings: DecSettings,
        device: Device,
        on_batch: OnBatch | None,
        share: Share | None = None,
    ) -> None:
        self.share = share
        self.model, self.optimizer, self.pixels, self.rows = model, optimizer, pixels, rows
        self.settings, self.device, self.on_batch = settings, device, on_batch
        self.draw = get_loss("mse", model.autoencoder.architecture.output)
        self.count = images_shown(len(rows), settings)

    def codes(self) -> np.ndarray:
        """Codes of the unchanged images."""
        self.model.eval()
        with one_thread(self.share is not None):
            return inference.encode(self.model.autoencoder, self.pixels, self.device, self.rows)

    def centres(self) -> np.ndarray:
        return self.model.centres.detach().cpu().numpy().copy()

    def assignment(self, codes: np.ndarray) -> Tensor:
        with torch.no_grad(), one_thread(self.share is not None):
            parts = torch.from_numpy(codes).to(self.device.kind).split(_AT_ONCE)
            return torch.cat([soft_assignment(part, self.model.centres) for part in parts])

    def learn(self, codes: np.ndarray, rng: np.random.Generator) -> float:
        """Learn towards the target of these codes until the next update; return the mean loss."""
        with one_thread(self.share is not None):
            target = target_of(self.assignment(codes))
        size = min(self.settings.batch_size, len(self.rows))
        order = shuffled(len(self.rows), self.count, rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        parts = torch.from_numpy(order).to(self.device.kind).split(size)
        images = gather(self.pixels, self.rows[order], size, self.device.kind)
        self.model.train()
        losses = []
        with nullcontext() if self.share is None else together_of(self.model, self.share) as all_of:
            for part, x in zip(parts, images, strict=True):
                changed = random_affine(x, self.settings.change, generator)
                losses.append(self._step(changed, target[part], all_of))
                if self.on_batch is not None:
                    self.on_batch(len(x))
        return mean_loss(losses, [1] * len(losses), "dec")

    def _step(self, images: Tensor, target: Tensor, all_of: Together | None) -> Tensor:
        """Learn a batch, or what is this process's of it; return the loss of the whole batch."""
        if all_of is None:
            loss = self._loss(images, target)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            loss = loss.detach()
        else:
            loss = all_of.learn_pieces(
                len(images), lambda piece: self._loss(images[piece], target[piece])
            )
        self.optimizer.step()
        return loss

    def _loss(self, images: Tensor, target: Tensor) -> Tensor:
        with autocast(self.device):
            codes = self.model.autoencoder.encode(images)
            drawn = self.model.autoencoder.decode(codes)
        apart = divergence(target, soft_assignment(codes, self.model.centres))
        return self.draw(drawn, images) + self.settings.gamma * apart
