"""Images that are nearly the same as another one, by a limit that the run itself gives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pictree.report.gather import Findings

_MOST = 1_024  # images that are compared with each other
_BATCH = 1 << 22  # numbers
_FENCES = 3.0
_FEWEST = 8


@dataclass(frozen=True)
class NearDuplicates:
    """Pairs of images that are nearly the same.

    Attributes
    ----------
    limit, usual : float
        Root mean square difference of the pixels (black is 0, white is 1): the largest that
        counts as nearly the same, and the median over all images and their nearest one.
    pairs : int array (p, 2)
        Rows, the lower one first; the most alike pair first.
    differences : float array (p,)
    """

    limit: float
    usual: float
    pairs: np.ndarray
    differences: np.ndarray


def near_duplicates(found: Findings) -> NearDuplicates:
    """Find the pairs of images that are far more alike than is usual in this run.

    An image's nearest one is found by the codes, among some 1,000 images with like codes: those
    of its cluster, halved again and again by the number in which their codes differ most.
    Their difference is that of the pixels. Nearly the same is what lies below the lower quartile
    of all such differences by three times the distance between the quartiles (Tukey's outer
    fence, 1977), on a logarithmic scale; pixels that are wholly the same always are.
    """
    nearest = _nearest(found)
    rows = np.flatnonzero(nearest >= 0)
    differences = _differences(found, rows, nearest[rows])
    limit, usual = limit_of(differences)
    close = differences <= limit
    pairs = np.sort(np.stack([rows[close], nearest[rows[close]]], axis=1), axis=1)
    pairs, first = np.unique(pairs, axis=0, return_index=True)
    of_pair = differences[close][first]
    order = np.lexsort((pairs[:, 0], of_pair)) if len(pairs) else np.empty(0, int)
    return NearDuplicates(limit, usual, pairs[order], of_pair[order])


def limit_of(differences: np.ndarray) -> tuple[float, float]:
    """Return Tukey's lower outer fence on a logarithmic scale, and the median; 0 for too few."""
    apart = differences[differences > 0]
    if len(apart) < _FEWEST:
        return 0.0, float(np.median(differences)) if len(differences) else 0.0
    low, middle, high = np.quantile(np.log(apart), [0.25, 0.5, 0.75])
    return float(np.exp(low - _FENCES * (high - low))), float(np.exp(middle))


def _nearest(found: Findings) -> np.ndarray:
    """Row of each image's nearest one by its code, int64 (n,); -1 for an image that is alone."""
    nearest = np.full(len(found.ids), -1, np.int64)
    for rows in _groups(found):
        codes = found.codes[rows].astype(np.float32)
        squares = (codes**2).sum(1)
        apart = squares[:, None] - 2 * codes @ codes.T + squares
        np.fill_diagonal(apart, np.inf)
        if len(rows) > 1:
            nearest[rows] = rows[apart.argmin(1)]
    return nearest


def _groups(found: Findings) -> Iterator[np.ndarray]:
    """Yield rows of images with like codes, at most 1,024 at a time."""
    order = np.argsort(found.labels, kind="stable")
    ends = np.flatnonzero(np.diff(found.labels[order])) + 1
    waiting = np.split(order, ends)
    while waiting:
        rows = waiting.pop()
        if len(rows) <= _MOST:
            yield rows
            continue
        drawn = found.codes[rows[:: max(1, len(rows) // _MOST)]]
        values = found.codes[rows][:, int(drawn.var(axis=0).argmax())]
        upper = np.argsort(values, kind="stable")
        half = len(rows) // 2
        waiting += [np.sort(rows[upper[half:]]), np.sort(rows[upper[:half]])]


def _differences(found: Findings, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    result, axes = np.empty(len(rows)), tuple(range(1, found.pixels.ndim))
    size = max(1, _BATCH // int(np.prod(found.pixels.shape[1:])))
    for start in range(0, len(rows), size):
        part = slice(start, start + size)
        one = found.pixels[rows[part]].astype(np.float32)
        other = found.pixels[others[part]].astype(np.float32)
        result[part] = np.sqrt(((one - other) ** 2).mean(axes, dtype=np.float64)) / 255
    return result
