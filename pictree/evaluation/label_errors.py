"""Known labels that disagree with the neighbours: confident learning with leave-one-out neighbours.

After Northcutt, Jiang & Chuang 2021 (Confident Learning). A picture's chances of each label are
the shares of its nearest pictures that have it, itself left out. A label's own threshold is the
mean of that chance over the pictures that have the label; a picture is an error where another
label's chance passes that label's threshold, and beats the given one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

NEIGHBOURS = 20
_HIGHEST, _FEWEST, _OWN = 0.8, 0.5, 0.1
"""Limits of a label's threshold, and the largest share of the given label. Chosen on MNIST and
Fashion-MNIST with 200 of 10,000 labels changed (docs/log.md)."""


@dataclass(frozen=True)
class LabelErrors:
    """Pictures whose known label looks wrong, the surest first.

    Attributes
    ----------
    rows : ndarray of int64, shape (m,)
    given, suggested : list of str
    support, own : ndarray of float32, shape (m,)
        Share of the neighbours that have the suggested, and the given label.
    """

    rows: np.ndarray
    given: list[str]
    suggested: list[str]
    support: np.ndarray
    own: np.ndarray


def label_errors(neighbours: np.ndarray, known: Sequence[str | None]) -> LabelErrors:
    """Find known labels that the neighbours contradict. Nothing is changed.

    Parameters
    ----------
    neighbours : ndarray of int, shape (n, k)
        Rows nearest to each row, itself left out; `NEIGHBOURS` of them are meant.
    known : sequence of str or None, length n
        Pictures with None have no say, and no error.

    Returns
    -------
    LabelErrors
    """
    names = sorted({label for label in known if label is not None})
    number = {name: at for at, name in enumerate(names)}
    labels = np.array([-1 if label is None else number[label] for label in known], np.int64)
    chances = _chances(neighbours, labels, len(names))
    own = np.take_along_axis(chances, np.maximum(labels, 0)[:, None], axis=1)[:, 0]
    thresholds = np.array(
        [own[labels == at].mean() if (labels == at).any() else 1.0 for at in range(len(names))]
    )
    passing = np.where(chances >= np.clip(thresholds, _FEWEST, _HIGHEST), chances, 0)
    best = passing.argmax(axis=1) if len(names) else np.zeros(len(labels), np.int64)
    support = passing.max(axis=1, initial=0)
    wrong = (labels >= 0) & (best != labels) & (support > 0) & (own <= _OWN)
    rows = np.flatnonzero(wrong)
    rows = rows[np.argsort(own[rows] - support[rows], kind="stable")]
    return LabelErrors(
        rows,
        [names[at] for at in labels[rows]],
        [names[at] for at in best[rows]],
        support[rows].astype(np.float32),
        own[rows].astype(np.float32),
    )


def _chances(neighbours: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Share of each label among the labelled neighbours, float64 (n, max(1, labels))."""
    votes = np.zeros((len(labels), max(1, count)))
    rows = np.arange(len(labels))
    for found in neighbours.T:
        said = labels[found]
        has = said >= 0
        votes[rows[has], said[has]] += 1
    return votes / np.maximum(votes.sum(axis=1, keepdims=True), 1)
