"""Which images stand for a node of the tree."""

from __future__ import annotations

import numpy as np

from pictree.report.tree_layout import Top

_LOOKED_AT = 1_000  # images of a node, so that a large tree costs no more than a small one
_CORE = 0.7  # the share of them, nearest to the mean, that may be shown


def members(top: Top) -> dict[int, np.ndarray]:
    """Return some rows of the tree for each drawn node: all, or 1,000 evenly from all."""
    at, tips = top.spots, top.tips
    above = top.tree.top_nodes(len(tips))[top.tree.leaves]
    order = np.argsort(above, kind="stable")
    found: dict[int, np.ndarray] = {}
    for node in reversed(at):
        if at[node].children:
            rows = np.concatenate([found[child] for child in at[node].children])
            found[node] = np.sort(rows)
        else:
            low, high = np.searchsorted(above[order], [node, node + 1])
            found[node] = order[low:high]
    return {node: _evenly(rows) for node, rows in found.items()}


def _evenly(rows: np.ndarray) -> np.ndarray:
    places = np.linspace(0, len(rows) - 1, min(_LOOKED_AT, len(rows)))
    return rows[places.round().astype(int)]


def examples(codes: np.ndarray, most: int) -> list[int]:
    """Choose rows that show what a node holds.

    The first is the nearest to the mean code. Each further one is the least like those before
    it, among the 70 % nearest to the mean: variety without outliers.

    Parameters
    ----------
    codes : float array (n, code size)
        n is 1 or more.
    most : int

    Returns
    -------
    list of int
        ``most`` different rows, or all where there are fewer.
    """
    away = ((codes - codes.mean(0)) ** 2).sum(1)
    near = np.argsort(away, kind="stable")[: max(most, round(_CORE * len(codes)))]
    chosen, apart, place = [], np.full(len(near), np.inf), 0
    for _ in range(min(most, len(near))):
        chosen.append(int(near[place]))
        apart = np.minimum(apart, ((codes[near] - codes[near[place]]) ** 2).sum(1))
        apart[place] = -np.inf
        place = int(apart.argmax())
    return chosen
