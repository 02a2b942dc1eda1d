"""Which images stand for a cluster: nearest to its centre, typical, at its border."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from pictree.images.batches import Stacked
from pictree.report.gather import Findings
from pictree.report.live.images import copies_of

MOST_CARDS = 100
_BLOCK = 4096


@dataclass(frozen=True)
class Card:
    """One cluster and the images that stand for it.

    Attributes
    ----------
    cluster : int
        Its number; -1 is noise.
    size : int
        Used images in it.
    copies : int
        Duplicates of these images.
    neighbour : int or None
        The cluster whose centre is nearest.
    nearest, typical, border : int arrays
        Rows of used images, disjoint: the nearest to the centre (the first is the medoid of a
        k-means cluster); the middle half by distance, evenly; those nearest to the
        border with another cluster, the most doubtful first.
    """

    cluster: int
    size: int
    copies: int
    neighbour: int | None
    nearest: np.ndarray
    typical: np.ndarray
    border: np.ndarray


def choose_cards(found: Findings) -> list[Card]:
    """Return a card per cluster, biggest first, noise at the end.

    Clusters past the hundredth get their nearest image alone.
    """
    centres = means(found.codes, found.labels, found.k)
    between = _between(found, centres)
    border = _to_border(found, centres, between)
    copies = copies_of(found)
    members = _members(found.labels, found.k)
    order = [int(c) for c in np.argsort(-found.sizes, kind="stable")]
    shown = 12 if len(order) <= 30 else 6
    cards = []
    for place, cluster in enumerate([*order, -1] if len(members[-1]) else order):
        rows = members[cluster]
        each = shown if place < MOST_CARDS or cluster < 0 else 1
        chosen = _spread(rows, each) if cluster < 0 else picked(rows, found.distances, border, each)
        neighbour = _neighbour(between[cluster]) if cluster >= 0 else None
        cards.append(Card(cluster, len(rows), int(copies[rows].sum()), neighbour, *chosen))
    return cards


def means(codes: Stacked, labels: np.ndarray, k: int) -> np.ndarray:
    """Return the mean code of each cluster, float64 (k, code size); 0 for an empty one."""
    total = np.zeros((k, codes.shape[1]))
    if k == 0:
        return total
    for start in range(0, len(labels), _BLOCK):
        part = labels[start : start + _BLOCK]
        rows = np.flatnonzero(part >= 0)
        member = csr_array((np.ones(len(rows)), (part[rows], rows)), shape=(k, len(part)))
        total += member @ codes[start : start + _BLOCK].astype(np.float64)
    sizes = np.bincount(labels[labels >= 0], minlength=k)
    return total / np.maximum(sizes, 1)[:, None]


def squared(rows: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Return the squared distances of rows (n, d) and centres (k, d), (n, k)."""
    squares = (rows**2).sum(1)[:, None] - 2 * rows @ centres.T + (centres**2).sum(1)
    return np.maximum(squares, 0)


def _between(found: Findings, centres: np.ndarray) -> np.ndarray:
    """Distances between the clusters' centres, (k, k); infinite to itself and to empty ones."""
    distances = np.sqrt(squared(centres, centres))
    np.fill_diagonal(distances, np.inf)
    distances[:, found.sizes == 0] = np.inf
    return distances


def _to_border(found: Findings, centres: np.ndarray, between: np.ndarray) -> np.ndarray | None:
    """Return each image's distance to the nearest border of its cluster; None for one cluster.

    A border is the plane half-way between two centres: with distances a to the own centre,
    b to the other and c between the two, (b² - a²) / 2c.
    """
    if np.isinf(between).all():
        return None
    border = np.zeros(len(found.labels))
    for start in range(0, len(border), _BLOCK):
        own = np.maximum(found.labels[start : start + _BLOCK], 0)
        codes = found.codes[start : start + _BLOCK].astype(np.float64)
        squares = squared(codes, centres)
        further = squares - squares[np.arange(len(own)), own][:, None]
        apart = np.maximum(between[own], 1e-12)
        border[start : start + _BLOCK] = np.where(
            np.isinf(apart), np.inf, further / (2 * apart)
        ).min(1)
    return border


def _neighbour(distances: np.ndarray) -> int | None:
    return None if np.isinf(distances).all() else int(distances.argmin())


def _members(labels: np.ndarray, k: int) -> dict[int, np.ndarray]:
    order = np.argsort(labels, kind="stable")
    ends = np.searchsorted(labels[order], np.arange(-1, k), side="right")
    starts = [0, *ends[:-1]]
    return {c: order[a:b] for c, a, b in zip(range(-1, k), starts, ends, strict=True)}


def picked(
    rows: np.ndarray, distances: np.ndarray, to_border: np.ndarray | None, each: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose the rows nearest to the centre, typical and at the border, ``each`` of a kind.

    Parameters
    ----------
    rows : int array (m,)
        One cluster's.
    distances, to_border : float arrays
        Of all rows, to the centre and to the border; without a border the farthest are chosen.
    each : int
        At most this many; 1 gives the nearest alone.
    """
    rows = rows[np.argsort(distances[rows], kind="stable")]
    nearest, rest = rows[:each], rows[each:]
    if each == 1:
        return nearest, rest[:0], rest[:0]
    outer = rest[::-1]
    if to_border is not None:
        outer = rest[np.argsort(to_border[rest], kind="stable")]
    border = outer[: min(each, max(0, len(rest) - each))]
    inner = rest[~np.isin(rest, border)]
    middle = inner[len(inner) // 4 : max(len(inner) * 3 // 4, min(each, len(inner)))]
    return nearest, _evenly(middle, each), border


def _spread(rows: np.ndarray, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise has no centre: some of its images, evenly from all."""
    return rows[:0], _evenly(rows, 2 * each), rows[:0]


def _evenly(rows: np.ndarray, most: int) -> np.ndarray:
    places = np.linspace(0, len(rows) - 1, min(most, len(rows)))
    return rows[np.unique(places.round().astype(int))]
