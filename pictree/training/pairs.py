"""Pairs: an image and its neighbour must be named alike, and the names told apart."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pictree.clustering.instant import Start
from pictree.clustering.leaves import neighbour_graph, renumber
from pictree.clustering.look import CANDIDATES, look, vote_of
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.tree import ClusterTree
from pictree.device import Device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Autoencoder, build
from pictree.networks.heads import Heads, build_heads
from pictree.training import checkpoint as checkpoints
from pictree.training.affine import random_affine
from pictree.training.loop import repeatable
from pictree.training.losses import get_loss
from pictree.training.naming import DRAWN_AGAIN
from pictree.training.resume import fingerprint, resume
from pictree.training.rounds import Learned, finish, plan
from pictree.training.steps import OnBatch, autocast, gather, mean_loss, one_cycle, shuffled

FINER = (5, 6, 8, 10)
"""Heads that are trained on pairs, each with so many times k names. A head of k names often stays
where two kinds share one and a third has two; leaves of finer ones can be merged right."""

SELF_RATE = float(__import__("os").environ.get("SR", "0.3"))
SELF_CHANGE = float(__import__("os").environ.get("SC", "2"))
_SMALLEST_SHARE = 1e-12
_AT_ONCE = 8_192


class PairSettings(Protocol):
    """What is read from a recipe's pairs section."""

    @property
    def epochs(self) -> int:
        """Epochs of learning from pairs, at least 1."""

    @property
    def self_epochs(self) -> int:
        """Epochs of learning from the sure images' own names that follow."""

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
    def entropy(self) -> float:
        """Weight of the marginal entropies; 1 makes the objective mutual information."""

    @property
    def neighbours(self) -> int:
        """An image's partner is itself or one of so many nearest."""

    @property
    def sure(self) -> float:
        """Least confidence of the images that are learned from in the end."""


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
    """An autoencoder, heads that name what its codes show, and names to be learned in the end.

    Parameters
    ----------
    autoencoder : Autoencoder
    heads : Heads
        Those of the pairs, then one of k names.
    images : int
        How many have a name.
    """

    named: Tensor
    confidence: Tensor

    def __init__(self, autoencoder: Autoencoder, heads: Heads, images: int) -> None:
        super().__init__()
        self.autoencoder, self.heads = autoencoder, heads
        # Part of the state, so that stopped learning goes on with the same names.
        self.register_buffer("named", torch.zeros(images, dtype=torch.int64))
        self.register_buffer("confidence", torch.zeros(images))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Float (n, c, h, w) to codes and to each head's logits."""
        codes = self.autoencoder.encode(x)
        return codes, self.heads(codes)


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
    """Learn names that an image shares with its neighbours, then what the names agree on.

    First several heads learn to maximise the paired information of images and their neighbours,
    both under random changes (Ji, Henriques & Vedaldi 2019), while the decoder learns to draw them.
    What a head names are leaves; they merge by the neighbours of the raw pixels, and the heads'
    trees vote. Then one more head learns the clusters of the sure images.

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
        Its history has a row per epoch: epoch (from 1), loss.

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    RunError
        When the checkpoint belongs to another training.
    """
    shown = start.rows if rows is None else rows[start.rows]
    chosen = k or start.look.k
    height, width, channels = (int(side) for side in pixels.shape[1:])
    autoencoder = build(plan((height, width, channels), settings.code), seed + 1)
    sizes = [max(chosen, min(finer * chosen, len(shown) // 2)) for finer in FINER]
    heads = build_heads(autoencoder.code_size, [*sizes, chosen], seed)
    model = Namer(autoencoder, heads, len(shown)).to(device.kind)
    optimizer = torch.optim.AdamW(model.parameters(), fused=True)
    work = _Epochs(model, optimizer, pixels, shown, start.links, chosen, settings, device, on_batch)
    mark = fingerprint(autoencoder, settings, seed=seed, images=len(shown), held_out=0)
    mark |= {"clusters": chosen, "pairs.epochs": settings.epochs}
    epochs = settings.epochs + settings.self_epochs
    history = resume(checkpoint, model, optimizer, mark, epochs)
    if history and on_batch is not None:
        on_batch(len(history) * work.count)
    with repeatable(autoencoder.architecture, 2 * settings.batch_size):
        for epoch in range(len(history) + 1, epochs + 1):
            loss = work.learn(epoch, np.random.default_rng([seed, epoch]))
            history.append({"epoch": epoch, "loss": loss})
            if checkpoint is not None:
                checkpoints.save(checkpoint, model, optimizer, checkpoints.Progress(mark, history))
            if on_epoch is not None:
                on_epoch(history[-1])
    named, confidence = work.names()
    links = nearest(work.codes(), start.links.shape[1])[0]
    seen = look(links, [start.links, links], k=chosen, candidates=candidates, seed=seed)
    found = finish(start, seen, links, named, confidence, autoencoder, history, chosen, seed)
    return replace(found, shortlist=start.look.shortlist)


def images_shown(images: int, settings: PairSettings) -> int:
    """Return how many images all epochs show, each counted as often as it is shown."""
    return (settings.epochs + settings.self_epochs) * _per_epoch(images, settings)


def _per_epoch(images: int, settings: PairSettings) -> int:
    size = min(settings.batch_size, images)
    return math.ceil(max(settings.images, images) / size) * size


class _Epochs:
    """Both kinds of epochs over the same images."""

    def __init__(
        self,
        model: Namer,
        optimizer: torch.optim.Optimizer,
        pixels: Any,
        rows: np.ndarray,
        links: np.ndarray,
        k: int,
        settings: PairSettings,
        device: Device,
        on_batch: OnBatch | None,
    ) -> None:
        self.model, self.optimizer, self.pixels, self.rows = model, optimizer, pixels, rows
        self.links, self.k, self.settings = links, k, settings
        self.device, self.on_batch = device, on_batch
        own = np.arange(len(rows), dtype=links.dtype)[:, None]
        self.partners = np.hstack([own, links[:, : settings.neighbours]])
        self.count = _per_epoch(len(rows), settings)
        self.size = min(settings.batch_size, len(rows))
        self.draw = get_loss("mse", model.autoencoder.architecture.output)

    def learn(self, epoch: int, rng: np.random.Generator) -> float:
        """Learn for one epoch; return the mean loss."""
        first, length = 1, self.settings.epochs
        is_paired = epoch <= length
        if not is_paired:
            first, length = length + 1, self.settings.self_epochs
        if epoch == first and not is_paired:
            self._vote()
        batches = self._pairs(rng) if is_paired else self._sure(rng)
        generator = torch.Generator().manual_seed(int(rng.integers(2**62)))
        steps, losses = self.count // self.size, []
        highest = self.settings.learning_rate * (1 if is_paired else SELF_RATE)
        self.model.train()
        for step, (images, targets) in enumerate(batches):
            rate = one_cycle((epoch - first + step / steps) / length, highest)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss = self._loss(images, targets, generator)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            losses.append(loss.detach())
            if self.on_batch is not None:
                self.on_batch(self.size)
        return mean_loss(losses, [1] * len(losses), "pairs")

    def _pairs(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, None]]:
        """Images, and below them in the same batch their partners."""
        first = shuffled(len(self.rows), self.count, rng)
        column = rng.integers(self.partners.shape[1], size=self.count)
        both = (self._gather(first), self._gather(self.partners[first, column]))
        return ((torch.cat(pair), None) for pair in zip(*both, strict=True))

    def _sure(self, rng: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Sure images and their clusters."""
        confidence = self.model.confidence.cpu().numpy()
        middle = medians(self.model.named.cpu().numpy(), confidence)
        sure = np.flatnonzero(confidence >= np.minimum(self.settings.sure, middle))
        order = sure[shuffled(len(sure), self.count, rng)]
        targets = self.model.named[torch.from_numpy(order).to(self.device.kind)]
        return zip(self._gather(order), targets.split(self.size), strict=True)

    def _gather(self, order: np.ndarray) -> Iterator[Tensor]:
        return gather(self.pixels, self.rows[order], self.size, self.device.kind)

    def _loss(self, images: Tensor, targets: Tensor | None, generator: torch.Generator) -> Tensor:
        strength = self.settings.change * (1 if targets is None else SELF_CHANGE)
        changed = random_affine(images, strength, generator)
        few = max(1, len(changed) // DRAWN_AGAIN)
        with autocast(self.device):
            codes, logits = self.model(changed)
            drawn = self.model.autoencoder.decode(codes[:few])
        loss = self.draw(drawn, changed[:few])
        if targets is not None:
            return loss + functional.cross_entropy(logits[-1].float(), targets)
        both = [raw.float().softmax(dim=1).chunk(2) for raw in logits[:-1]]
        told = [paired_information(p, q, self.settings.entropy) for p, q in both]
        return loss - torch.stack(told).mean()

    def codes(self) -> np.ndarray:
        """Codes of the unchanged images."""
        self.model.eval()
        return inference.encode(self.model.autoencoder, self.pixels, self.device, self.rows)

    def _said(self) -> list[np.ndarray]:
        """Probabilities of each head's names for the unchanged images."""
        found: list[list[np.ndarray]] = [[] for _ in self.model.heads.sizes]
        with torch.inference_mode():
            for part in torch.from_numpy(self.codes()).to(self.device.kind).split(_AT_ONCE):
                for kept, logits in zip(found, self.model.heads(part), strict=True):
                    kept.append(logits.softmax(dim=1).cpu().numpy())
        return [np.concatenate(parts) for parts in found]

    def _trees(self) -> list[ClusterTree]:
        """Make leaves of the heads' names, merged by the neighbours of the raw pixels."""
        graph, trees = neighbour_graph(self.links), []
        for said in self._said()[:-1]:
            leaves = enough(said, self.k)
            trees.append(ClusterTree(leaves, *merge(joint_shares(graph, leaves))))
        return trees

    def _vote(self) -> None:
        named, confidence = vote_of(self._trees(), self.k)
        self.model.named.copy_(torch.from_numpy(named))
        self.model.confidence.copy_(torch.from_numpy(confidence))

    def names(self) -> tuple[np.ndarray, np.ndarray]:
        """Name and confidence of each image, in the end."""
        if not self.settings.self_epochs:
            return vote_of(self._trees(), self.k)
        said = self._said()[-1]
        return said.argmax(axis=1), said.max(axis=1)


def medians(named: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    """Return for each image the median confidence of its cluster, float (n,)."""
    middle = [np.median(confidence[named == j]) for j in range(int(named.max()) + 1)]
    return np.array(middle)[named]


def enough(said: np.ndarray, k: int) -> np.ndarray:
    """Return the likeliest name of each image, numbered by size; at least k are used.

    Parameters
    ----------
    said : float array (n, names)
        Probabilities; at least k names, and k images.
    k : int

    Returns
    -------
    ndarray of int32, shape (n,)
        Where fewer than k names are the likeliest of any image, names that are not go to the
        images that they are likeliest for.
    """
    names = said.argmax(axis=1)
    for missing in np.setdiff1d(np.arange(said.shape[1]), names):
        if len(np.unique(names)) >= k:
            break
        counts = np.bincount(names, minlength=said.shape[1])
        free = counts[names] > 1
        names[np.flatnonzero(free)[said[free, missing].argmax()]] = missing
    return renumber(names)
