"""Look, learn, look again: rounds of learning that begin with the instant tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from pictree.clustering.choose import Candidate
from pictree.clustering.instant import Start
from pictree.clustering.look import CANDIDATES, Look, look, tree_of, vote_of
from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import agreement_by_k
from pictree.device import Device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Architecture, Autoencoder, build
from pictree.networks.heads import Heads
from pictree.training.naming import Names, RoundSettings, learn_names
from pictree.training.steps import OnBatch

SMALLEST_MAP = 4
"""Images are pooled until their smaller side has at most this many pixels."""

TRUST = 0.85
"""The neighbours of the raw pixels are evidence where the instant tree's runs agree this far."""

WIDTHS = (16, 32, 64)
"""Channels of the last stages; earlier ones have as many as the first of these."""


class Settings(RoundSettings, Protocol):
    """What the rounds read from a recipe's rounds section."""

    @property
    def count(self) -> int:
        """Rounds of learning, at least 1."""

    @property
    def code(self) -> int:
        """Size of the code."""


@dataclass(frozen=True)
class Learned:
    """What the rounds gave.

    Attributes
    ----------
    model : Autoencoder
        Of the last round.
    tree : ClusterTree
        Over all rows; has `clusters` as its cut at `k`.
    k : int
    clusters : ndarray of int32, shape (n,)
        What the last round's network names each image, numbered by size.
    confidence : ndarray of float32, shape (n,)
        The network's probability of that.
    agreement : float
        Mean adjusted Rand index between the runs of the last look, at `k`.
    started : float
        The same between the runs of the first look.
    shortlist : list of Candidate
    history : list of dict
        A row per round: round (from 1), loss, agreement, neighbours, evidence.
    """

    model: Autoencoder
    tree: ClusterTree
    k: int
    clusters: np.ndarray
    confidence: np.ndarray
    agreement: float
    started: float
    shortlist: list[Candidate]
    history: list[dict[str, Any]]

    @property
    def is_better(self) -> bool:
        """Whether the runs agree at least as far as those of the start: no label is needed."""
        return self.agreement >= self.started


def plan(image_shape: tuple[int, int, int], code: int, output: str = "linear") -> Architecture:
    """Choose the network of the rounds by the size of the images.

    Parameters
    ----------
    image_shape : (int, int, int)
        Height, width, channels.
    code : int
        Size of the code.
    output : {"linear", "sigmoid"}

    Returns
    -------
    Architecture
        Normalised; at least one stage, the last of 64 channels.
    """
    side, stages = min(image_shape[:2]), 1
    while (side := (side + 1) // 2) > SMALLEST_MAP:
        stages += 1
    widths = ((WIDTHS[0],) * stages + WIDTHS[1:])[-stages:]
    return Architecture(image_shape, widths, widths[::-1], code, output, normalise=True)


def learn_rounds(
    pixels: Any,
    start: Start,
    settings: Settings,
    device: Device,
    *,
    rows: np.ndarray | None = None,
    k: int | None = None,
    candidates: Sequence[int] = CANDIDATES,
    seed: int = 0,
    on_batch: OnBatch | None = None,
    on_round: Callable[[dict[str, Any]], None] | None = None,
) -> Learned:
    """Learn what the runs of a look call the images, look again with what was learned, repeat.

    Each round trains a new network (`pictree.training.naming`) on the leaves of a look's panel and
    on its vote. The next look finds leaves among the neighbours of the network's codes, and merges
    them once by those neighbours, which may confirm themselves, and, where the first look's runs
    agree by `TRUST`, once by the neighbours of the raw pixels: independent evidence, if there is
    any in them. From the second look on, the runs of the look before vote too: single looks
    scatter. The last network's word on each image is the result; the tree has it as a cut.

    Parameters
    ----------
    pixels : array-like, uint8 or float (N, h, w, c)
    start : Start
        Of the instant tree on the n images to learn from.
    settings : Settings
        A recipe's rounds section.
    device : Device
    rows : int array (n,), optional
        The images that the start was found on; all by default.
    k : int, optional
        Number of clusters; each look's best if not given.
    candidates : sequence of int
        See `look`.
    seed : int
    on_batch : callable, optional
        Gets the number of images after each batch.
    on_round : callable, optional
        Gets each new history row.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    """
    seen, history = start.look, []
    earlier: list[ClusterTree] = []
    shown = start.rows if rows is None else rows[start.rows]
    height, width, channels = (int(side) for side in pixels.shape[1:])
    for number in range(1, settings.count + 1):
        names = _names(shown, seen, earlier)
        model = build(plan((height, width, channels), settings.code), seed + number)
        heads, loss = learn_names(
            model, pixels, names, settings, device, seed=seed + number, on_batch=on_batch
        )
        codes = inference.encode(model, pixels, device, shown)
        links = nearest(codes, start.links.shape[1])[0]
        earlier = seen.voters if number > 1 else []
        evidence = [start.links, links] if start.look.agreement >= TRUST else [links]
        seen = look(links, evidence, k=k, candidates=candidates, seed=seed)
        history.append(
            {
                "round": number,
                "loss": loss,
                "agreement": seen.agreement,
                "neighbours": list(seen.neighbours),
                "evidence": ["pixels", "codes"][-len(evidence) :],
            }
        )
        if on_round is not None:
            on_round(history[-1])
    named, confidence = _name(heads, codes, device)
    return _finish(start, seen, links, named, confidence, model, history, k, seed)


def _names(rows: np.ndarray, seen: Look, earlier: list[ClusterTree]) -> Names:
    clusters, confidence = seen.clusters, seen.confidence
    if earlier:
        enough = [tree for tree in earlier if tree.n_leaves >= seen.k]
        clusters, confidence = vote_of([*seen.voters, *enough], seen.k)
    return Names(rows, [tree.leaves for tree in seen.trees], clusters, confidence)


def _name(heads: Heads, codes: np.ndarray, device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Return what the last head calls each code, and with which probability."""
    with torch.inference_mode():
        logits = heads(torch.from_numpy(codes).to(device.kind))[-1]
        likeliest = logits.softmax(dim=1).max(dim=1)
    return likeliest.indices.cpu().numpy(), likeliest.values.cpu().numpy()


def _finish(
    start: Start,
    seen: Look,
    links: np.ndarray,
    named: np.ndarray,
    confidence: np.ndarray,
    model: Autoencoder,
    history: list[dict[str, Any]],
    k: int | None,
    seed: int,
) -> Learned:
    named = np.unique(named, return_inverse=True)[1].reshape(-1)
    chosen = k or seen.k
    used = max(seen.neighbours)
    small = tree_of(links[:, :used], named, at_least=2 * chosen, seed=seed)
    tree = ClusterTree(small.leaves[start.copy_of], small.children, small.losses)
    trees = (seen.trees, start.look.trees)
    now, then = (_agreement(runs, chosen) for runs in trees)
    return Learned(
        model,
        tree,
        chosen,
        tree.cut(chosen),
        confidence[start.copy_of],
        now,
        then,
        seen.shortlist,
        history,
    )


def _agreement(trees: list[ClusterTree], k: int) -> float:
    fewest = min(tree.n_leaves for tree in trees)
    return agreement_by_k(trees, [min(k, fewest)])[min(k, fewest)].mean
