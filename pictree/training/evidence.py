"""What is asked beside the learned codes when leaves merge: pixels, or contours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from pictree.clustering.instant import DIMENSIONS, Start
from pictree.clustering.look import Look, look
from pictree.device import Device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Architecture, build, limited
from pictree.training.linear import fit_linear

TRUST = 0.85
"""Pixels are believed where the runs of a look at them agree this far."""

KINSHIP = 0.9
"""Contours are believed where neighbours by them lie in one cluster of the start so much more often
than by chance (1: always). Seen: 300 digits .84 to .88, digits out of place .87, and their evidence
does harm; 1,000 digits .92, clothes .94 to .97, and it helps."""

NEAR = 5
"""Nearest images that are asked for that."""


@dataclass(frozen=True)
class Evidence:
    """Neighbours that no network has had a hand in.

    Attributes
    ----------
    name : str
        "pixels", "contours", or "" where neither is believed: then `links` have no vote.
    links : int array (n, q)
        As in `pictree.clustering.look.look`.
    leaves : list of int array (n,)
        Of the pixels' runs, where these are believed: they tell apart what contours don't.
    """

    name: str
    links: np.ndarray
    leaves: list[np.ndarray]


def find_evidence(
    pixels: Any, rows: np.ndarray, start: Start, device: Device, seed: int
) -> Evidence:
    """Look at the pixels' principal components; take these, or what the start is made of.

    The pixels where the runs of the look agree by `TRUST`; else the start's contours where its
    neighbours lie in one cluster by `KINSHIP`.

    Parameters
    ----------
    pixels : array-like, uint8 or float (N, h, w, c)
    rows : int array (n,)
        The images of the start.
    start : Start
        By contours.
    device : Device
    seed : int

    Returns
    -------
    Evidence
    """
    links, seen = _look_at_pixels(pixels, rows, start, device, seed)
    if seen.agreement >= TRUST:
        return Evidence("pixels", links, [tree.leaves for tree in seen.trees])
    related = kinship(start.look.clusters, start.links[:, :NEAR])
    return Evidence("contours" if related >= KINSHIP else "", start.links, [])


def kinship(clusters: np.ndarray, links: np.ndarray) -> float:
    """Measure how much more often than by chance neighbours lie in one cluster.

    Parameters
    ----------
    clusters : int array (n,)
    links : int array (n, q)
        Each row's nearest other rows.

    Returns
    -------
    float
        The assortativity of the neighbour graph (Newman 2003, "Mixing patterns in networks"), with
        the clusters' shares for chance: at most 1, 0 by chance; 1 where there is one cluster.
    """
    shares = np.bincount(clusters) / len(clusters)
    chance = float(np.square(shares).sum())
    together = float((clusters[links] == clusters[:, None]).mean())
    return (together - chance) / (1 - chance) if chance < 1 else 1.0


def _look_at_pixels(
    pixels: Any, rows: np.ndarray, start: Start, device: Device, seed: int
) -> tuple[np.ndarray, Look]:
    height, width, channels = (int(side) for side in pixels.shape[1:])
    linear = Architecture((height, width, channels), (), (), DIMENSIONS, "linear")
    model, k = build(limited(linear, len(rows)), seed), start.look.k
    fit_linear(model, pixels, device, seed=seed, train_rows=rows)
    codes = inference.encode(model, pixels, device, rows)
    links, _ = nearest(codes, start.links.shape[1])
    return links, look(links, [links], k=k, candidates=[k], seed=seed)
