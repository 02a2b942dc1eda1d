"""How many decisions label a pile, beside as many labels on random pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pictree.evaluation.decisions import by_going_down, by_naming, count_nodes, decisions_for
from pictree.evaluation.random_labels import SAMPLE, SEEDS, RandomLabels, random_labels

TARGETS = (0.90, 0.95, 0.98)
"""Shares of right pictures that are asked for."""
BUDGET = 50
"""Decisions after which the share is told, whatever it is."""


@dataclass(frozen=True)
class Work:
    """What a number of decisions gave.

    Attributes
    ----------
    decisions : int
    accuracy : float
        Share of the pictures that have their right name; those without a name count as wrong.
    random : float
        The same share where as many labels went to random pictures; see `random_labels`.
    deviation : float
        Standard deviation of `random` over the seeds.
    """

    decisions: int
    accuracy: float
    random: float
    deviation: float


@dataclass(frozen=True)
class Row:
    """Both ways of working at one point.

    Attributes
    ----------
    target : float or None
        Share of right pictures asked for; None where the number of decisions was given.
    going_down, naming : Work or None
        The first point that reaches the target; None where none does.
    """

    target: float | None
    going_down: Work | None
    naming: Work | None


@dataclass(frozen=True)
class Effort:
    """Decisions per picture.

    Attributes
    ----------
    images : int
        Pictures with a known label; the others are left out of every count.
    k : int
        Clusters that going down starts from.
    leaves : int
        Leaves of the tree.
    best : float
        Share of right pictures with every leaf named: no number of decisions gives more.
    targets : list of Row
        One for each of `TARGETS`.
    budget : Row
        After `BUDGET` decisions, or all there are where these are fewer.
    seeds, sample : int
        Draws that `Work.random` is the mean of, and most pictures that each was measured on.
    """

    images: int
    k: int
    leaves: int
    best: float
    targets: list[Row]
    budget: Row
    seeds: int
    sample: int


def effort(
    leaves: np.ndarray,
    children: np.ndarray,
    known: Sequence,
    codes: Any,
    *,
    k: int,
    seed: int = 0,
) -> Effort:
    """Measure what the tree saves the person who labels the pile.

    The tree's part takes milliseconds for 70,000 pictures and 500 leaves: it works on a table of
    nodes and labels. The labels on random pictures take a second or two.

    Parameters
    ----------
    leaves, children, known
        As in `pictree.evaluation.decisions.count_nodes`.
    codes : array-like of float, shape (n, d)
        Codes of the pictures, for the labels on random pictures.
    k : int
        The run's number of clusters.
    seed : int
        Seed of the draws of random pictures.

    Returns
    -------
    Effort

    Raises
    ------
    InputError
        As `count_nodes` and `by_going_down`.
    """
    counts = count_nodes(leaves, children, known)
    images = int(counts[-1].sum())
    ways = by_going_down(counts, children, k), by_naming(counts, children)
    points = [[decisions_for(right, images, target) for right in ways] for target in TARGETS]
    points.append([min(BUDGET, len(right) - 1) for right in ways])
    numbers = sorted({d for point in points for d in point if d is not None})
    drawn = {one.labels: one for one in random_labels(codes, known, numbers, seed=seed)}
    *targets, budget = (
        Row(target, *(_work(right, d, images, drawn) for right, d in zip(ways, point, strict=True)))
        for target, point in zip((*TARGETS, None), points, strict=True)
    )
    best = int(ways[1][-1]) / images
    return Effort(images, k, len(children) + 1, best, targets, budget, SEEDS, SAMPLE)


def _work(
    right: np.ndarray, decisions: int | None, images: int, drawn: dict[int, RandomLabels]
) -> Work | None:
    if decisions is None:
        return None
    at_random = drawn[decisions]
    return Work(decisions, int(right[decisions]) / images, at_random.mean, at_random.deviation)
