"""What the same number of labels gives without a tree: on random pictures, the rest by the nearest.

Each picture without a label gets the label of the nearest one that has it, by the codes (the
nearest-neighbour rule of Cover & Hart 1967).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pictree.errors import InputError
from pictree.neighbors import nearest

SEEDS = 5
"""Draws that the mean is taken of."""
SAMPLE = 10_000
"""Most pictures without a label that a draw is measured on."""


@dataclass(frozen=True)
class RandomLabels:
    """Share of right pictures when `labels` random ones are labelled.

    Attributes
    ----------
    labels : int
    mean, deviation : float
        Over `SEEDS` draws; the labelled pictures count as right.
    """

    labels: int
    mean: float
    deviation: float


def random_labels(
    codes: Any, known: Sequence, numbers: Sequence[int], *, seed: int = 0
) -> list[RandomLabels]:
    """Label random pictures, and the others as the nearest of these.

    Parameters
    ----------
    codes : array-like of float, shape (n, d)
        Finite; rows are read by an array of their numbers.
    known : sequence of str, int or None, length n
        Pictures with None are left out.
    numbers : sequence of int
        How many pictures are labelled, each at least 1. A draw's smaller numbers are the first
        of its larger ones.
    seed : int
        First seed of the draws.

    Returns
    -------
    list of RandomLabels
        One for each number; a number above that of the pictures labels all.

    Raises
    ------
    InputError
        If the lengths differ, or a number is below 1.
    """
    if len(codes) != len(known):
        raise InputError(
            "codes and known labels must have the same length",
            got=f"{len(codes)} and {len(known)}",
            do="Pass one known label, or None, for each row of codes",
        )
    if min(numbers, default=1) < 1:
        raise InputError(
            "the number of labels must be at least 1", got=str(min(numbers)), do="Pass a larger one"
        )
    rows = np.array([i for i, label in enumerate(known) if label is not None], dtype=np.int64)
    _, labels = np.unique([str(known[row]) for row in rows], return_inverse=True)
    found = np.array(
        [_draw(codes, rows, labels, numbers, np.random.default_rng(seed + s)) for s in range(SEEDS)]
    )
    return [
        RandomLabels(int(number), float(shares.mean()), float(shares.std()))
        for number, shares in zip(numbers, found.T, strict=True)
    ]


def _draw(
    codes: Any,
    rows: np.ndarray,
    labels: np.ndarray,
    numbers: Sequence[int],
    rng: np.random.Generator,
) -> list[float]:
    """Shares of right pictures in one draw: those after the labelled ones are the sample."""
    order = rng.permutation(len(rows))[: max(numbers, default=0) + SAMPLE]
    drawn, names = np.asarray(codes[rows[order]]), labels[order]
    shares = []
    for number in numbers:
        rest = slice(number, number + SAMPLE)
        if number >= len(rows):
            shares.append(1.0)
            continue
        at, _ = nearest(drawn[:number], 1, queries=drawn[rest])
        right = float((names[:number][at[:, 0]] == names[rest]).mean())
        shares.append((number + right * (len(rows) - number)) / len(rows))
    return shares
