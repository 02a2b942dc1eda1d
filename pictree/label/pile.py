"""The images of a run as naming needs them: codes, the tree's leaves, where the clusters lie."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from pictree.clustering.tree import ClusterTree
from pictree.images.batches import Stacked
from pictree.store import Run

_REFERENCE = 5_000
"""Images among which neighbours are sought to tell how pure a group looks."""
_ASKED, _NEAREST = 50, 10


class Pile:
    """The used images of a run, opened once.

    Parameters
    ----------
    run : Run

    Attributes
    ----------
    ids : uint32 array (n,)
        Of the used images, sorted; row i everywhere is the i-th.
    codes : Stacked
        float32 (n, code size).
    pixels : Stacked
        uint8 (n, h, w, c).
    paths, digests : polars.Series of str (n,)
        Where each image came from, and the SHA-256 of its bytes.
    clusters : int32 array (n,)
        The run's clusters, -1 for noise.
    """

    def __init__(self, run: Run) -> None:
        used = run.used()
        self.ids = used["id"].to_numpy()
        self.paths, self.digests = used["path"], used["sha256"]
        self.codes: Stacked = run.array("codes")
        self.pixels: Stacked = run.array("pixels")
        self.clusters = run.labels()
        self._tree = run.arrays("tree.npz") if run.has_tree else None

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Return the rows of ids that are all in the pile."""
        return np.searchsorted(self.ids, ids)

    @cached_property
    def tree(self) -> ClusterTree | None:
        """The tree that the clusters were cut from."""
        return ClusterTree.from_arrays(self._tree) if self._tree else None

    @cached_property
    def leaves(self) -> np.ndarray:
        """Leaf of each row, int32 (n,); -1 where the tree does not have it."""
        leaves = np.full(len(self.ids), -1, np.int32)
        if self._tree:
            leaves[self._tree["rows"]] = self._tree["leaves"]
        return leaves

    @cached_property
    def centres(self) -> np.ndarray:
        """Mean code of each of the run's clusters, float32 (k, code size)."""
        k = int(self.clusters.max(initial=-1)) + 1
        found = [np.flatnonzero(self.clusters == cluster) for cluster in range(k)]
        return np.stack([self.codes[rows].mean(axis=0) for rows in found if len(rows)] or [[]])

    def from_the_middle(self, rows: np.ndarray) -> np.ndarray:
        """Return a group's rows from its medoid to its border.

        The medoid is the image nearest to the mean code. The others follow by their distance to
        the nearest border, farthest first: with distances a to the group's mean, b to another
        cluster's and c between the two, the plane half-way is (b² - a²) / 2c away. The other
        clusters are the run's own, so that an order does not change with what is done elsewhere.
        """
        codes = self.codes[rows]
        middle = codes.mean(axis=0)
        own = ((codes - middle) ** 2).sum(axis=1)
        others = self._others(rows)
        inside = -own
        if len(others):
            squares = (codes**2).sum(1)[:, None] - 2 * codes @ others.T + (others**2).sum(1)
            apart = np.maximum(np.sqrt(((others - middle) ** 2).sum(axis=1)), 1e-12)
            inside = ((squares - own[:, None]) / (2 * apart)).min(axis=1)
        order = np.argsort(-inside, kind="stable")
        first = int(own.argmin())
        return rows[np.concatenate([[first], order[order != first]])]

    def _others(self, rows: np.ndarray) -> np.ndarray:
        """Centres of the clusters other than the one that most of the rows are in."""
        inside = self.clusters[rows]
        inside = inside[inside >= 0]
        if not len(inside) or len(self.centres) < 2:
            return self.centres[:0]
        return np.delete(self.centres, np.bincount(inside).argmax(), axis=0)

    @cached_property
    def _reference(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.sort(np.random.default_rng(0).permutation(len(self.ids))[:_REFERENCE])
        codes = self.codes[rows]
        return rows, codes, (codes**2).sum(axis=1)

    def cohesion(self, rows: np.ndarray, group: np.ndarray) -> float:
        """Return how pure a group looks, from 0 to 1, without any label.

        The share of the nearest images (10 of 5,000 drawn ones, for 50 of the group) that are in
        the group too. It can't see two kinds that lie close together: a spot check can.

        Parameters
        ----------
        rows : int array
            The group's rows.
        group : array (n,)
            The group of every row, as told apart by any numbers.
        """
        among, codes, squared = self._reference
        asked = rows[np.linspace(0, len(rows) - 1, min(_ASKED, len(rows))).astype(int)]
        mine = self.codes[asked]
        squares = squared - 2 * mine @ codes.T
        squares[asked[:, None] == among] = np.inf
        count = min(_NEAREST, max(1, len(among) - 1))
        found = np.argpartition(squares, count - 1, axis=1)[:, :count]
        return float((group[among[found]] == group[asked[:, None]]).mean())
