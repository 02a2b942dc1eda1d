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
"""Looks at what was not learned are believed where their runs agree this far."""


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
    return Evidence("contours" if start.look.agreement >= TRUST else "", start.links, [])


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
