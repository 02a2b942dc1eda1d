"""Pictures that are another one again: re-encoded, shifted, scaled, brightened.

A pair is sought among the nearest by code and by spectrum, and is confirmed by the pixels: the
two differ far less than either differs from its tenth neighbour, as far as such pairs of this
pile go. So a pile of frames that follow each other closely is not one heap of copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pictree.evaluation.alike import difference, spectra
from pictree.evaluation.robust import middle_and_spread
from pictree.neighbors import in_few_numbers, nearest

_NEAREST = 3
_TENTH = 10
_FARTHEST = 4.0
"""Deviations below the middle of all pairs looked at: what is so close by chance is rare."""
_SMALLEST = 1e-5
"""Differences below this are rounding."""


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of pictures that are nearly the same, the most alike first.

    Attributes
    ----------
    pairs : ndarray of int32, shape (m, 2)
        Rows, the smaller first.
    differences : ndarray of float32, shape (m,)
        How much their pixels differ, 0 to 2; `pictree.evaluation.alike.difference`.
    ratios : ndarray of float32, shape (m,)
        The same over the smaller of the two's differences from their tenth neighbours.
    limit : float
        The ratio below which a pair counts; it comes from this pile.
    groups : ndarray of int32, shape (n,)
        Pictures joined by pairs have one number, that of their first row; the others -1.
    """

    pairs: np.ndarray
    differences: np.ndarray
    ratios: np.ndarray
    limit: float
    groups: np.ndarray


def near_duplicates(codes: np.ndarray, pixels: Any) -> NearDuplicates:
    """Find the pictures that are nearly the same as another one.

    Parameters
    ----------
    codes : ndarray of float32, shape (n, d)
    pixels : array-like of uint8, shape (n, h, w, c)
        Read a batch at a time.

    Returns
    -------
    NearDuplicates
        None are found among fewer than 12 pictures.
    """
    n = len(codes)
    if n <= _TENTH + 1:
        return _found(np.zeros((0, 2), np.int64), np.zeros(0), np.zeros(0), 0.0, n)
    by_code, _ = nearest(in_few_numbers(codes), _TENTH)
    by_spectrum, _ = nearest(in_few_numbers(spectra(pixels)), _TENTH)
    pairs = _candidates(by_code, by_spectrum)
    differences = difference(pixels, pairs)
    usual = _usual_difference(pixels, by_code, by_spectrum)[pairs].min(axis=1)
    logs = np.log(np.maximum(differences, _SMALLEST) / np.maximum(usual, _SMALLEST))
    middle, spread = middle_and_spread(logs)
    limit = min(middle - _FARTHEST * spread, np.log(0.5))
    close = logs < limit
    ratios = np.exp(logs[close])
    return _found(pairs[close], differences[close], ratios, float(np.exp(limit)), n)


def _candidates(*neighbours: np.ndarray) -> np.ndarray:
    """Pairs of a row and one of its nearest rows, each pair once, in order."""
    rows = np.arange(len(neighbours[0]))
    pairs = np.concatenate(
        [np.stack([rows, found[:, at]], axis=1) for found in neighbours for at in range(_NEAREST)]
    )
    return np.unique(np.sort(pairs, axis=1), axis=0)


def _usual_difference(pixels: Any, *neighbours: np.ndarray) -> np.ndarray:
    """How much each picture differs from its tenth neighbour, the smaller of both kinds."""
    rows = np.arange(len(neighbours[0]))
    tenths = [np.stack([rows, found[:, _TENTH - 1]], axis=1) for found in neighbours]
    return np.min([difference(pixels, pairs) for pairs in tenths], axis=0)


def _found(
    pairs: np.ndarray, differences: np.ndarray, ratios: np.ndarray, limit: float, n: int
) -> NearDuplicates:
    order = np.argsort(ratios, kind="stable")
    return NearDuplicates(
        pairs[order].astype(np.int32),
        differences[order].astype(np.float32),
        ratios[order].astype(np.float32),
        limit,
        groups_of(pairs, n),
    )


def groups_of(pairs: np.ndarray, n: int) -> np.ndarray:
    """Return the group of each row, int32 (n,): the first row that pairs join it to, else -1."""
    ones = np.ones(len(pairs), bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    _, first, sizes = np.unique(part, return_index=True, return_counts=True)
    return np.where(sizes[part] > 1, first[part], -1).astype(np.int32)
