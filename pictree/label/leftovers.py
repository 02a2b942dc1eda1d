"""What is left: clustered again, or named by near neighbours above a calibrated threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pictree.clustering.instant import instant_tree
from pictree.errors import InputError
from pictree.label.parts import in_two
from pictree.label.pile import Pile
from pictree.label.purity import purity_interval
from pictree.neighbors import nearest

PRECISION = 0.95
"""Share of right names that spreading is calibrated for."""
_FEWEST = 60
"""Fewer leftovers are taken apart in two: a tree of so few says nothing."""
_ENOUGH, _EACH = 12, 40
_HELD_OUT = 2_000
_KNOWN = 20_000


def cluster_again(pile: Pile, rows: np.ndarray) -> list[np.ndarray]:
    """Cluster rows anew by their codes alone: a cut of their instant tree.

    Into as many clusters as it proposes, but at least one for every 40 pictures, up to 12: what
    is left is mixed, and a group too many costs one decision, a mixed one its pictures.

    Returns
    -------
    list of int arrays
        At least two parts, largest first.

    Raises
    ------
    InputError
        If there is but one picture, or all have one code.
    """
    if len(rows) < _FEWEST:
        return in_two(pile, rows)
    found = instant_tree(pile.codes[rows])
    clusters = found.tree.cut(
        min(found.tree.n_leaves, max(found.k, min(_ENOUGH, len(rows) // _EACH)))
    )
    parts = [rows[clusters == cluster] for cluster in range(int(clusters.max()) + 1)]
    parts = [part for part in parts if len(part)]
    return parts if len(parts) > 1 else in_two(pile, rows)


@dataclass(frozen=True)
class Spread:
    """Names for what is left.

    Attributes
    ----------
    names : list of str
    parts : list of int arrays
        Rows that get each name.
    threshold : float
        See `spread`.
    precision : float
        Share of right names among the held-out cases above the threshold.
    held_out : int
        Labelled images that were held out.
    """

    names: list[str]
    parts: list[np.ndarray]
    threshold: float
    precision: float
    held_out: int


def spread(pile: Pile, rows: np.ndarray, named: np.ndarray, names: Sequence[str]) -> Spread:
    """Name what lies near to named images of one kind, and far from those of any other.

    A picture's nearest named image is at distance a, its nearest of another name at b: it is as
    sure as 1 - a / b. The threshold is the least that names right in 95 of 100 cases, by the lower
    end of the exact 95 % interval, over two kinds of cases, equally many: held-out labelled images
    (at most 2,000), each without its own label; and the same with every image of their kind gone,
    since some of what is left may be of a kind that nobody has named. What is left is often harder
    than what was labelled first: the groups that come of it are there to be checked.

    Parameters
    ----------
    pile : Pile
    rows : int array (m,)
        What waits for a name.
    named : int array (l,)
        Rows that a person named.
    names : sequence of str, length l

    Raises
    ------
    InputError
        If there are not two names, or no threshold is that precise.
    """
    kinds, kind = np.unique(np.asarray(names, dtype=object), return_inverse=True)
    if len(kinds) < 3:
        raise InputError(
            "spreading needs three names to learn from", got=str(len(kinds)), do="Name more groups"
        )
    rng = np.random.default_rng(0)
    known = np.sort(rng.permutation(len(named))[:_KNOWN])
    named, kind = named[known], kind[known]
    held = np.sort(rng.permutation(len(named))[:_HELD_OUT])
    codes = pile.codes[named]
    distances = _to_each_kind(codes, kind, codes[held], itself=held)
    right = distances.argmin(axis=1) == kind[held]
    without = distances.copy()
    without[np.arange(len(held)), kind[held]] = np.inf
    cases = np.r_[_sure(distances), _sure(without)], np.r_[right, np.zeros(len(held), bool)]
    threshold, precision = _calibrated(*cases)
    distances = _to_each_kind(codes, kind, pile.codes[rows])
    sure, guess = _sure(distances), distances.argmin(axis=1)
    taken = sure >= threshold
    found = [rows[taken & (guess == i)] for i in range(len(kinds))]
    kept = [i for i, part in enumerate(found) if len(part)]
    if not kept:
        raise InputError(
            "something left must lie near to what has a name", got="nothing", do="Name more groups"
        )
    chosen = [str(kinds[i]) for i in kept]
    return Spread(chosen, [found[i] for i in kept], threshold, precision, len(held))


def _to_each_kind(
    codes: np.ndarray, kind: np.ndarray, queries: np.ndarray, itself: np.ndarray | None = None
) -> np.ndarray:
    """Return each query's distance to the nearest named image of each kind, itself left out."""
    found = np.full((len(queries), int(kind.max()) + 1), np.inf)
    for i in range(found.shape[1]):
        mine = np.flatnonzero(kind == i)
        at, distances = nearest(codes[mine], min(2, len(mine)), queries=queries)
        found[:, i] = distances[:, 0]
        if itself is not None:
            own = mine[at[:, 0]] == itself
            found[own, i] = distances[own, 1] if len(mine) > 1 else np.inf
    return found


def _sure(distances: np.ndarray) -> np.ndarray:
    two = np.partition(distances, 1, axis=1)
    return 1 - two[:, 0] / np.maximum(two[:, 1], 1e-12)


def _calibrated(sure: np.ndarray, right: np.ndarray) -> tuple[float, float]:
    """Return the least threshold that is precise enough, and how precise it was."""
    order = np.argsort(-sure, kind="stable")
    seen = np.arange(1, len(order) + 1)
    wrong = np.cumsum(~right[order])
    for at in np.unique(np.linspace(len(order) - 1, 0, 200).astype(int))[::-1]:
        if purity_interval(int(seen[at]), int(wrong[at]))[0] >= PRECISION:
            return float(sure[order[at]]), float(1 - wrong[at] / seen[at])
    raise InputError(
        f"labelled pictures must show where neighbours are right in {PRECISION:.0%} of cases",
        got="no such distance",
        do="Name more groups, or check and mend those that have a name",
    )
