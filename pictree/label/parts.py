"""Ways to take a group apart: down the tree, or in two by the codes."""

from __future__ import annotations

import numpy as np

from pictree.clustering.kmeans import fit_centres
from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError
from pictree.label.pile import Pile

_MOST_FITTED = 5_000


def down_the_tree(pile: Pile, rows: np.ndarray) -> list[np.ndarray] | None:
    """Take rows apart at the lowest node of the tree that holds them all.

    Pictures that were added after the fit go to the part whose mean code is nearer.

    Returns
    -------
    list of two int arrays, larger first, or None
        None where there is no tree, or all are of one leaf: the tree ends there.
    """
    leaves = pile.leaves[rows]
    known = np.unique(leaves[leaves >= 0])
    if pile.tree is None or len(known) < 2:
        return None
    above = _above(pile.tree, known)
    is_left = np.isin(leaves, known[above])
    fitted = leaves >= 0
    left, right = rows[is_left & fitted], rows[~is_left & fitted]
    added = rows[~fitted]
    if len(added):
        centres = np.stack([pile.codes[part].mean(axis=0) for part in (left, right)])
        nearer = _nearest(pile.codes[added], centres)
        left, right = np.r_[left, added[nearer == 0]], np.r_[right, added[nearer == 1]]
    return sorted((left, right), key=len, reverse=True)


def _above(tree: ClusterTree, leaves: np.ndarray) -> np.ndarray:
    """Tell which leaves are below the first child of the lowest node above all of them."""
    shared = set.intersection(*(set(tree.path(int(leaf))) for leaf in leaves))
    left = tree.children[min(shared) - tree.n_leaves][0]
    return np.array([left in tree.path(int(leaf)) for leaf in leaves])


def in_two(pile: Pile, rows: np.ndarray) -> list[np.ndarray]:
    """Take rows apart by 2-means on their codes, larger part first.

    Raises
    ------
    InputError
        If there is but one picture, or all have one code.
    """
    codes = pile.codes[rows]
    if len(rows) < 2 or not np.ptp(codes, axis=0).any():
        raise InputError(
            "a group must have two different pictures to be split", got="one", do="Go on"
        )
    fitted = np.random.default_rng(0).permutation(len(rows))[:_MOST_FITTED]
    centres = fit_centres(codes[fitted], 2, starts=4, seed=0)
    second = _nearest(codes, centres) == 1
    return sorted((rows[~second], rows[second]), key=len, reverse=True)


def _nearest(codes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    return np.stack([((codes - centre) ** 2).sum(axis=1) for centre in centres]).argmin(axis=0)
