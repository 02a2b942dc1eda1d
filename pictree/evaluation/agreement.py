"""Clusters against known labels: matched accuracy, ARI, NMI, purity, what each cluster holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pictree.errors import InputError

SHOWN = 5
"""How many kinds `ClusterContents.in_words` names before it sums up the rest."""


@dataclass(frozen=True)
class ClusterContents:
    """What one cluster holds.

    Attributes
    ----------
    cluster : int
        The cluster's number; -1 is noise.
    size : int
        All its images, with and without a known label.
    counts : list of (str, int)
        Known label and number of images, biggest first, ties in the order of the labels.
    """

    cluster: int
    size: int
    counts: list[tuple[str, int]]

    @property
    def in_words(self) -> str:
        """The counts as a sentence: ``22 are 4, 14 are 9, 7 are 7``."""
        parts = [f"{n} {'is' if n == 1 else 'are'} {label}" for label, n in self.counts[:SHOWN]]
        rest = self.counts[SHOWN:]
        if rest:
            kinds = "1 other kind" if len(rest) == 1 else f"{len(rest)} other kinds"
            parts.append(f"{sum(n for _, n in rest)} of {kinds}")
        unknown = self.size - sum(n for _, n in self.counts)
        if unknown:
            parts.append(f"{unknown} without a known label")
        return ", ".join(parts)


def _pairs(clusters: np.ndarray, known: Sequence) -> tuple[np.ndarray, np.ndarray]:
    """Clusters and known labels as text, of the rows that have a known label."""
    clusters = np.asarray(clusters)
    labels = np.asarray(known, dtype=object)
    if clusters.shape != labels.shape or clusters.ndim != 1:
        raise InputError(
            "clusters and known labels must be two lists of the same length",
            got=f"shapes {clusters.shape} and {labels.shape}",
            do="Pass one known label, or None, for each image",
        )
    there = np.array([label is not None for label in labels], dtype=bool)
    if not there.any():
        raise InputError(
            "at least one image must have a known label",
            got="none",
            do="Pass known labels, or leave this score out",
        )
    return clusters[there], np.array([str(label) for label in labels[there]])


def contingency(clusters: np.ndarray, known: Sequence) -> np.ndarray:
    """Count the images of each cluster and known label.

    Parameters
    ----------
    clusters : ndarray of int, shape (n,)
        Noise (-1) counts as one more cluster.
    known : sequence of str, int or None, length n
        Rows with None are ignored.

    Returns
    -------
    ndarray of int64, shape (clusters, known labels)
        Both in sorted order; known labels are sorted as text.

    Raises
    ------
    InputError
        If the lengths differ or no row has a known label.
    """
    rows, columns = _pairs(clusters, known)
    row_names, r = np.unique(rows, return_inverse=True)
    column_names, c = np.unique(columns, return_inverse=True)
    table = np.zeros((len(row_names), len(column_names)), dtype=np.int64)
    np.add.at(table, (r, c), 1)
    return table


def accuracy(clusters: np.ndarray, known: Sequence) -> float:
    """Share of images that are right after the best one-to-one match of clusters to labels.

    The match is Kuhn's (1955, the "Hungarian method"). Clusters beyond the number of labels stay
    unmatched, and their images count as wrong. Parameters and errors as in `contingency`.

    Returns
    -------
    float
        From 0 to 1.
    """
    from scipy.optimize import linear_sum_assignment

    table = contingency(clusters, known)
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / table.sum())


def purity(clusters: np.ndarray, known: Sequence) -> float:
    """Share of images that have their cluster's commonest label; grows with more clusters.

    Parameters and errors as in `contingency`.

    Returns
    -------
    float
        From 0 to 1.
    """
    table = contingency(clusters, known)
    return float(table.max(axis=1).sum() / table.sum())


def ari(clusters: np.ndarray, known: Sequence) -> float:
    """Compute the adjusted Rand index (Hubert & Arabie 1985): 1 is equal, 0 is chance.

    Parameters and errors as in `contingency`.

    Returns
    -------
    float
        From -0.5 to 1.
    """
    from sklearn.metrics import adjusted_rand_score

    found, labels = _pairs(clusters, known)
    return float(adjusted_rand_score(labels, found))


def nmi(clusters: np.ndarray, known: Sequence) -> float:
    """Mutual information over the mean of both entropies (Strehl & Ghosh 2002, arithmetic mean).

    Parameters and errors as in `contingency`.

    Returns
    -------
    float
        From 0 to 1.
    """
    from sklearn.metrics import normalized_mutual_info_score

    found, labels = _pairs(clusters, known)
    return float(normalized_mutual_info_score(labels, found))


def score(clusters: np.ndarray, known: Sequence) -> dict[str, float]:
    """All four scores at once.

    Parameters and errors as in `contingency`.

    Returns
    -------
    dict
        ``acc``, ``ari``, ``nmi``, ``purity``.
    """
    return {
        "acc": accuracy(clusters, known),
        "ari": ari(clusters, known),
        "nmi": nmi(clusters, known),
        "purity": purity(clusters, known),
    }


def contents(clusters: np.ndarray, known: Sequence) -> list[ClusterContents]:
    """Say what each cluster holds.

    Parameters
    ----------
    clusters : ndarray of int, shape (n,)
        The clusters' numbers, -1 for noise.
    known : sequence of str, int or None, length n
        Known labels; an image with None counts in its cluster's size alone.

    Returns
    -------
    list of ClusterContents
        In the order of the clusters' numbers, those without any known label too.

    Raises
    ------
    InputError
        If the lengths differ or no row has a known label.
    """
    clusters = np.asarray(clusters)
    found, labels = _pairs(clusters, known)
    result = []
    for number in np.unique(clusters):
        names, n = np.unique(labels[found == number], return_counts=True)
        counts = sorted(zip(names.tolist(), n.tolist(), strict=True), key=lambda c: (-c[1], c[0]))
        result.append(ClusterContents(int(number), int((clusters == number).sum()), counts))
    return result
