"""How pure a checked group is, and how wrong the labels are as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

CONFIDENCE = 0.95


def purity_interval(seen: int, wrong: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Exact binomial interval of the share of right images (Clopper & Pearson 1934).

    Parameters
    ----------
    seen : int
        Images drawn at random and looked at, at least 1.
    wrong : int
        Those of them that did not belong.
    confidence : float

    Returns
    -------
    low, high : float
        20 seen, none wrong: 0.832 to 1.
    """
    return _exact(seen, wrong, confidence)


def _exact(seen: float, wrong: float, confidence: float) -> tuple[float, float]:
    """Return the interval; the numbers need not be whole."""
    from scipy.stats import beta

    right, tail = seen - wrong, (1 - confidence) / 2
    low = 0.0 if right == 0 else float(beta.ppf(tail, right, wrong + 1))
    high = 1.0 if wrong == 0 else float(beta.ppf(1 - tail, right + 1, wrong))
    return low, high


@dataclass(frozen=True)
class LabelError:
    """The estimated share of wrong labels.

    Attributes
    ----------
    value, low, high : float
        Over the labelled images whose group was checked.
    covered : float
        Share of the labelled images that these are.
    """

    value: float
    low: float
    high: float
    covered: float


def label_error(checked: Sequence[tuple[int, int, int]], labelled: int) -> LabelError | None:
    """Estimate the share of wrong labels from the spot checks.

    The value is the checks' own shares, weighted by the groups' sizes w. The interval is the
    exact binomial one for as many wrong of as many seen as these weights leave: with n seen in
    each group, 1 / sum(w² / n) in all (after Korn & Graubard 1998).

    Parameters
    ----------
    checked : sequence of (size, seen, wrong)
        The labelled groups that have a check.
    labelled : int
        All labelled images.

    Returns
    -------
    LabelError or None
        None where nothing was checked.
    """
    if not checked:
        return None
    sizes, seen, wrong = np.array(checked, float).T
    weights = sizes / sizes.sum()
    effective = 1 / float((weights**2 / seen).sum())
    value = float(weights @ (wrong / seen))
    low, high = _exact(effective, effective * value, CONFIDENCE)
    return LabelError(value, 1 - high, 1 - low, float(sizes.sum() / max(labelled, 1)))
