"""Look, learn, look again: rounds of learning that begin with the instant tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from pictree.clustering.instant import Start
from pictree.clustering.look import CANDIDATES, Look, look, vote_of
from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import match
from pictree.device import Device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Architecture, Autoencoder, build
from pictree.networks.heads import Heads, with_room
from pictree.training import naming
from pictree.training.evidence import Evidence, find_evidence
from pictree.training.learned import Learned, finish
from pictree.training.naming import Names, RoundSettings, learn_names
from pictree.training.round_files import RoundFiles
from pictree.training.steps import OnBatch

SMALLEST_MAP = 4
"""Images are pooled until their smaller side has at most this many pixels."""

LEARNED = 0.9
"""Adjusted Rand index to what it was taught from which on a network names the images itself."""

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
    checkpoint: Path | None = None,
    on_batch: OnBatch | None = None,
    on_round: Callable[[dict[str, Any]], None] | None = None,
) -> Learned:
    """Learn what the runs of a look call the images, look again with what was learned, repeat.

    Each round trains a new network (`pictree.training.naming`) on the leaves of a look's panel
    and on its vote. The next look finds leaves among the neighbours of the network's codes, and
    merges them once by those neighbours, which may confirm themselves, and once by independent
    evidence, if there is any (`pictree.training.evidence`): the neighbours of the raw pixels,
    else those of the start. Where the pixels are believed, networks learn their leaves beside
    the others, since pixels tell apart what contours don't. From the second look on, the runs
    of the look before vote too: single looks scatter. In the end the last network goes on with
    what the last look says: its word on each image is the result; the tree has it as a cut. A
    network that had too few steps to learn its lesson (`LEARNED`) names nothing: what the looks
    say is the result then. Where k is not given, each look weighs the numbers of clusters
    together with the first look.

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
    checkpoint : Path, optional
        Folder that keeps what each round but the last found. Where it has some already, learning
        goes on after them.
    on_batch : callable, optional
        Gets the number of images after each batch; on resuming, first those of finished rounds.
    on_round : callable, optional
        Gets each new history row.

    Returns
    -------
    Learned

    Raises
    ------
    InputError
        When the loss becomes NaN or infinite.
    RunError
        When the checkpoint is damaged, or belongs to other rounds.
    """
    seen, history = start.look, []
    earlier: list[ClusterTree] = []
    shown, count = start.rows if rows is None else rows[start.rows], start.links.shape[1]
    evidence = find_evidence(pixels, shown, start, device, seed)
    files = RoundFiles(checkpoint, settings, seed=seed, images=len(shown), k=k)
    for number in range(1, settings.count + 1):
        # The last round's network is the result: it is never read, but learned.
        found = files.read(number) if number < settings.count else None
        if found is None:
            names = _names(shown, seen, earlier, evidence.leaves)
            taught = _learn(pixels, names, settings, device, seed + number, on_batch)
            codes = inference.encode(taught.model, pixels, device, shown)
            found = nearest(codes, count)[0], taught.loss
            files.write(number, *found)
        elif on_batch is not None:
            on_batch(naming.images_shown(len(shown), settings))
        links, loss = found
        earlier = seen.voters if number > 1 else []
        seen = look(
            links,
            [evidence.links, links],
            k=k,
            candidates=candidates,
            voting=(0, 1) if evidence.name else (1,),
            before=start.look.shortlist,
            seed=seed,
        )
        history.append(_row(number, loss, seen, evidence))
        if on_round is not None:
            on_round(history[-1])
    said = _names(shown, seen, earlier, evidence.leaves)
    last = _go_on(pixels, taught, codes, said, settings, device, seed, on_batch)
    codes = inference.encode(last.model, pixels, device, shown)
    links = nearest(codes, count)[0]
    named, confidence = _last_word(last, codes, device)
    return finish(start, seen, links, named, confidence, last.model, history, k, seed)


def _row(number: int, loss: float, seen: Look, evidence: Evidence) -> dict[str, Any]:
    return {
        "round": number,
        "loss": loss,
        "agreement": seen.agreement,
        "neighbours": list(seen.neighbours),
        "evidence": [evidence.name, "codes"] if evidence.name else ["codes"],
    }


def images_shown(images: int, settings: Settings) -> int:
    """Return how many images all rounds show, each counted as often as it is shown."""
    rounds = settings.count * naming.images_shown(images, settings)
    return rounds + naming.images_shown(images, settings, naming.GOING_ON)


@dataclass(frozen=True)
class _Taught:
    """A network, and what it has learned to say."""

    model: Autoencoder
    heads: Heads
    names: Names
    loss: float


def _learn(
    pixels: Any,
    names: Names,
    settings: Settings,
    device: Device,
    seed: int,
    on_batch: OnBatch | None,
) -> _Taught:
    """Train a new network."""
    height, width, channels = (int(side) for side in pixels.shape[1:])
    model = build(plan((height, width, channels), settings.code), seed)
    heads, loss = learn_names(model, pixels, names, settings, device, seed=seed, on_batch=on_batch)
    return _Taught(model, heads, names, loss)


def _go_on(
    pixels: Any,
    taught: _Taught,
    codes: np.ndarray,
    said: Names,
    settings: Settings,
    device: Device,
    seed: int,
    on_batch: OnBatch | None,
) -> _Taught:
    """Let a network learn clusters that were found among its codes, and the leaves as before."""
    k = int(said.clusters.max()) + 1
    heads = with_room(taught.heads, k, seed)
    named, _ = _name(taught.heads, codes, device)
    number = match(named, said.clusters, heads.sizes[-1])
    names = replace(said, leaves=taught.names.leaves, clusters=number[said.clusters])
    words: dict[str, Any] = {"seed": seed, "heads": heads, "on_batch": on_batch}
    heads, loss = learn_names(taught.model, pixels, names, settings, device, **words)
    return _Taught(taught.model, heads, names, loss)


def _last_word(taught: _Taught, codes: np.ndarray, device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Return what the images are called in the end, and how surely."""
    from sklearn.metrics import adjusted_rand_score

    named, confidence = _name(taught.heads, codes, device)
    if adjusted_rand_score(named, taught.names.clusters) < LEARNED:
        return taught.names.clusters, taught.names.confidence
    return named, confidence


def _names(
    rows: np.ndarray, seen: Look, earlier: list[ClusterTree], leaves: list[np.ndarray]
) -> Names:
    clusters, confidence = seen.clusters, seen.confidence
    if earlier:
        enough = [tree for tree in earlier if tree.n_leaves >= seen.k]
        clusters, confidence = vote_of([*seen.voters, *enough], seen.k)
    return Names(rows, [*(tree.leaves for tree in seen.trees), *leaves], clusters, confidence)


def _name(heads: Heads, codes: np.ndarray, device: Device) -> tuple[np.ndarray, np.ndarray]:
    """Return what the last head calls each code, and with which probability."""
    with torch.inference_mode():
        logits = heads(torch.from_numpy(codes).to(device.kind))[-1]
        likeliest = logits.softmax(dim=1).max(dim=1)
    return likeliest.indices.cpu().numpy(), likeliest.values.cpu().numpy()
