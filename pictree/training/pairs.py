"""Pairs: an image and its neighbour must be named alike, and the names told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pictree.clustering.instant import Start
from pictree.clustering.look import CANDIDATES, Look, look
from pictree.clustering.vote import agreement_by_k
from pictree.device import Device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Autoencoder, build
from pictree.networks.heads import Heads, build_heads
from pictree.training import checkpoint as checkpoints
from pictree.training.affine import random_affine
from pictree.training.colours import random_colours, random_crop
from pictree.training.learned import Learned, finish
from pictree.training.loop import repeatable
from pictree.training.losses import get_loss
from pictree.training.naming import DRAWN_AGAIN
from pictree.training.resume import fingerprint, resume
from pictree.training.rounds import plan
from pictree.training.steps import OnBatch, autocast, gather, mean_loss, one_cycle, shuffled

FINER = (1, 3, 5)
"""Heads that learn from pairs, each with so many times k names. A head of k names often stays where
two kinds share one and another has two; the finer ones make the code tell these apart too."""

STRONGER = 2.0
"""The sure images' clusters are learned under so many times the random changes of the pairs."""

SLOWER = 0.3
"""And at so many times the step size."""

_SMALLEST_SHARE = 1e-12


class PairSettings(Protocol):
    """What is read from a recipe's pairs section."""

    @property
    def epochs(self) -> int:
        """Epochs of learning from pairs, at least 1."""

    @property
    def self_epochs(self) -> int:
        """Epochs of learning the clusters of sure images that follow, at least 1."""

    @property
    def code(self) -> int:
        """Size of the code."""

    @property
    def images(self) -> int:
        """Images that an epoch shows at least, each counted as often as it is shown."""

    @property
    def batch_size(self) -> int:
        """Pairs in a batch."""

    @property
    def learning_rate(self) -> float:
        """Highest step size."""

    @property
    def change(self) -> float:
        """Greatest strength of the random changes; see `random_affine`."""

    @property
    def crop(self) -> float:
        """Smallest share of an image's area that is shown; 1 for all. See `random_crop`."""

    @property
    def colour(self) -> float:
        """Greatest strength of the changes of colour, 0 for none; see `random_colours`."""

    @property
    def entropy(self) -> float:
        """Weight of the marginal entropies; 1 makes the objective mutual information."""

    @property
    def neighbours(self) -> int:
        """An image's partner is itself or one of so many nearest."""

    @property
    def sure(self) -> float:
        """Share of the votes from which on an image's cluster is learned in the end."""


def paired_information(p: Tensor, q: Tensor, entropy: float = 1.0) -> Tensor:
    """Measure what the name of an image tells about the name of its partner.

    Parameters
    ----------
    p, q : float (n, k)
        Probabilities of the names of n images and of their partners.
    entropy : float
        Weight of the two marginal entropies. With 1 this is the mutual information of the
        symmetric joint distribution (Ji, Henriques & Vedaldi 2019); more keeps clusters from
        falling together.

    Returns
    -------
    float32 ()
        In nats.
    """
    joint = p.float().T @ q.float() / len(p)
    joint = ((joint + joint.T) / 2).clamp_min(_SMALLEST_SHARE)
    alone = joint.sum(dim=1).log()
    return (joint * (joint.log() - entropy * (alone[:, None] + alone[None]))).sum()


class Namer(nn.Module):
    """An autoencoder, heads that name what its codes show, and clusters to be learned in the end.

    Parameters
    ----------
    autoencoder : Autoencoder
    heads : Heads
        Those of the pairs, then one of k names.
    images : int
        How many have a cluster.
    """

    clusters: Tensor
    confidence: Tensor

    def __init__(self, autoencoder: Autoencoder, heads: Heads, images: int) -> None:
        super().__init__()
        self.autoencoder, self.heads = autoencoder, heads
        # Part of the state, so that stopped learning goes on with the same clusters.
        self.register_buffer("clusters", torch.zeros(images, dtype=torch.int64))
        self.register_buffer("confidence", torch.zeros(images))


def learn_pairs(
    pixels: Any,
    start: Start,
    settings: PairSettings,
    device: Device,
    *,
    rows: np.ndarray | None = None,
    k: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    seed: int = 0,
    checkpoint: Path | None = None,
    on_batch: OnBatch | None = None,
    on_epoch: Callable[[dict[str, Any]], None] | None = None,
) -> Learned:
    """Learn names that an image shares with its neighbours, then the clusters that come of it.

    Several heads learn to maximise the paired information of images and their neighbours, both
    under random changes (Ji, Henriques & Vedaldi 2019), while the decoder learns to draw them. A
    look at the neighbours of the codes, merged by those of the raw pixels too, votes for clusters;
    those of the sure images are learned by one more head, under stronger changes.

    Parameters
    ----------
    pixels : array-like, uint8 or float (N, h, w, c)
    start : Start
        Of the instant tree on the n images to learn from.
    settings : PairSettings
        A recipe's pairs section.
    device : Device
    rows, k, candidates, seed
        See `pictree.training.rounds.learn_rounds`; k is the start's if not given. Epoch e draws
        from ``[seed, e]``, so a resumed training sees the same.
    checkpoint : Path, optional
        Folder that keeps the last two epochs' states. Where it has one already, training goes
        on from it.
    on_batch : callable, optional
        Gets the number of images after each batch; on resuming, first those of the finished ones.
    on_epoch : callable, optional
        Gets each new history row, after its checkpoint is on disk.

    Returns
    -------
    Learned
        Its history has a row per epoch: epoch (from 1), loss. Its agreement is that between the
        runs of the last look, or of these with the clusters if that is less.

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    RunError
        When the checkpoint belongs to another training.
    """
    shown = start.rows if rows is None else rows[start.rows]
    chosen = k or start.look.k
    model = _build(pixels, len(shown), chosen, settings, seed).to(device.kind)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    images = _Images(pixels, shown, start.links, chosen, candidates, seed)
    mark = fingerprint(model.autoencoder, settings, seed=seed, images=len(shown), held_out=0)
    mark |= {"clusters": chosen, "pairs.epochs": settings.epochs}
    epochs = settings.epochs + settings.self_epochs
    history = resume(checkpoint, model, optimizer, mark, epochs)
    if history and on_batch is not None:
        on_batch(len(history) * _per_epoch(len(shown), settings))
    work = _Epochs(model, optimizer, images, settings, device, on_batch)
    with repeatable(model.autoencoder.architecture, 2 * settings.batch_size):
        for epoch in range(len(history) + 1, epochs + 1):
            history.append({"epoch": epoch, "loss": work.learn(epoch)})
            if checkpoint is not None:
                checkpoints.save(checkpoint, model, optimizer, checkpoints.Progress(mark, history))
            if on_epoch is not None:
                on_epoch(history[-1])
    named, confidence = work.names()
    seen, links = work.look()
    autoencoder = model.autoencoder
    found = finish(start, seen, links, named, confidence, autoencoder, history, chosen, seed)
    agreement = min(found.agreement, _shared(found, start, seen))
    return replace(found, agreement=agreement, shortlist=start.look.shortlist)


def _shared(found: Learned, start: Start, seen: Look) -> float:
    """Measure how far the names agree with the runs of the last look."""
    own = replace(found.tree, leaves=found.tree.leaves[start.rows])
    trees = [own, *seen.trees]
    k = min(found.k, *(tree.n_leaves for tree in trees))
    return float(agreement_by_k(trees, [k])[k].each[0])


def images_shown(images: int, settings: PairSettings) -> int:
    """Return how many images all epochs show, each counted as often as it is shown."""
    return (settings.epochs + settings.self_epochs) * _per_epoch(images, settings)


def _per_epoch(images: int, settings: PairSettings) -> int:
    size = min(settings.batch_size, images)
    return math.ceil(max(settings.images, images) / size) * size


def _build(pixels: Any, images: int, k: int, settings: PairSettings, seed: int) -> Namer:
    height, width, channels = (int(side) for side in pixels.shape[1:])
    autoencoder = build(plan((height, width, channels), settings.code), seed)
    sizes = [max(k, min(finer * k, images // 2)) for finer in FINER]
    return Namer(autoencoder, build_heads(settings.code, [*sizes, k], seed), images)


@dataclass(frozen=True)
class _Images:
    """The images to learn from, their raw neighbours, and what is looked for among them."""

    pixels: Any
    rows: np.ndarray
    links: np.ndarray
    k: int
    candidates: Sequence[int]
    seed: int

    def gather(self, order: np.ndarray, size: int, device: Device) -> Iterator[Tensor]:
        return gather(self.pixels, self.rows[order], size, device.kind)


class _Epochs:
    """Both kinds of epochs over the same images."""

    def __init__(
        self,
        model: Namer,
        optimizer: torch.optim.Optimizer,
        images: _Images,
        settings: PairSettings,
        device: Device,
        on_batch: OnBatch | None,
    ) -> None:
        self.model, self.optimizer, self.images = model, optimizer, images
        self.settings, self.device, self.on_batch = settings, device, on_batch
        self.count = _per_epoch(len(images.rows), settings)
        self.size = min(settings.batch_size, len(images.rows))
        self.draw = get_loss("mse", model.autoencoder.architecture.output)

    def learn(self, epoch: int) -> float:
        """Learn for one epoch, from 1; return the mean loss."""
        settings, rng = self.settings, np.random.default_rng([self.images.seed, epoch])
        if epoch <= settings.epochs:
            share = (epoch - 1) / settings.epochs, 1 / settings.epochs
            return self._learn(self._pairs(rng), *share, settings.learning_rate, rng)
        past = epoch - settings.epochs - 1
        if past == 0:
            self._vote()
        share = past / settings.self_epochs, 1 / settings.self_epochs
        return self._learn(self._sure(rng), *share, SLOWER * settings.learning_rate, rng)

    def _learn(
        self,
        batches: Iterator[tuple[Tensor, Tensor | None]],
        done: float,
        share: float,
        highest: float,
        rng: np.random.Generator,
    ) -> float:
        """Learn from batches, of which `share` of a cycle consists that is `done` so far."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        losses, steps = [], self.count // self.size
        self.model.train()
        for step, (images, targets) in enumerate(batches):
            for group in self.optimizer.param_groups:
                group["lr"] = one_cycle(done + share * step / steps, highest)
            loss = self._loss(images, targets, generator)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
            if self.on_batch is not None:
                self.on_batch(self.size)
        return mean_loss(losses, [1] * len(losses), "pairs")

    def _pairs(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, None]]:
        """Images, and in the second half of each batch their partners."""
        first = shuffled(len(self.images.rows), self.count, rng)
        near = self.images.links[first, : self.settings.neighbours]
        column = rng.integers(near.shape[1] + 1, size=self.count)
        second = np.hstack([first[:, None], near])[np.arange(self.count), column]
        halves = [self.images.gather(order, self.size, self.device) for order in (first, second)]
        return ((torch.cat(pair), None) for pair in zip(*halves, strict=True))

    def _sure(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Sure images and their clusters."""
        clusters = self.model.clusters.cpu().numpy()
        sure = sure_images(clusters, self.model.confidence.cpu().numpy(), self.settings.sure)
        order = sure[shuffled(len(sure), self.count, rng)]
        targets = torch.from_numpy(clusters[order]).to(self.device.kind).split(self.size)
        return zip(self.images.gather(order, self.size, self.device), targets, strict=True)

    def _loss(self, images: Tensor, targets: Tensor | None, generator: torch.Generator) -> Tensor:
        settings, autoencoder = self.settings, self.model.autoencoder
        strength = settings.change * (1 if targets is None else STRONGER)
        changed = random_crop(random_affine(images, strength, generator), settings.crop, generator)
        changed = random_colours(changed, settings.colour, generator)
        few = max(1, len(changed) // DRAWN_AGAIN)
        with autocast(self.device):
            codes = autoencoder.encode(changed)
            logits = self.model.heads(codes)
            drawn = autoencoder.decode(codes[:few])
        loss = self.draw(drawn, changed[:few])
        if targets is not None:
            return loss + functional.cross_entropy(logits[-1].float(), targets)
        both = [raw.float().softmax(dim=1).chunk(2) for raw in logits[:-1]]
        told = [paired_information(p, q, self.settings.entropy) for p, q in both]
        return loss - torch.stack(told).mean()

    def _codes(self) -> np.ndarray:
        self.model.eval()
        images = self.images
        return inference.encode(self.model.autoencoder, images.pixels, self.device, images.rows)

    def look(self) -> tuple[Look, np.ndarray]:
        """Look at the neighbours of the codes; return them too."""
        images = self.images
        links = nearest(self._codes(), images.links.shape[1])[0]
        evidence, candidates = [images.links, links], images.candidates
        return look(links, evidence, k=images.k, candidates=candidates, seed=images.seed), links

    def _vote(self) -> None:
        seen, _ = self.look()
        self.model.clusters.copy_(torch.from_numpy(seen.clusters))
        self.model.confidence.copy_(torch.from_numpy(seen.confidence))

    def names(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what the last head calls each image, and with which probability."""
        with torch.inference_mode():
            codes = torch.from_numpy(self._codes()).to(self.device.kind)
            likeliest = self.model.heads(codes)[-1].softmax(dim=1).max(dim=1)
        return likeliest.indices.cpu().numpy(), likeliest.values.cpu().numpy()


def sure_images(clusters: np.ndarray, confidence: np.ndarray, least: float) -> np.ndarray:
    """Find the images that a vote is sure of.

    Parameters
    ----------
    clusters : ndarray of int, shape (n,)
    confidence : ndarray of float, shape (n,)
    least : float
        Confidence from which on an image is sure. So is the surer half of each cluster: without a
        whole cluster the others would take its images.

    Returns
    -------
    ndarray of int64
        In ascending order; never empty.
    """
    _, number = np.unique(clusters, return_inverse=True)
    middle = np.array([np.median(confidence[number == j]) for j in range(number.max() + 1)])
    return np.flatnonzero(confidence >= np.minimum(least, middle[number]))
