"""The exported cluster head says what `FlatClusters.predict` says, for every method."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from pictree.clustering.flat import FlatClusters, fit_clusters, from_centres, from_labels
from pictree.deploy.head import Nearest, cluster_head
from pictree.errors import InputError
from pictree.neighbors import in_few_numbers, nearest

CODES = in_few_numbers(load_digits().data)  # pixels themselves have ties
FITTED, NEW = CODES[:1200], CODES[1200:]


def made(method: str) -> FlatClusters:
    if method == "tree":
        labels = fit_clusters(FITTED, "kmeans", 8).labels
        return from_labels(FITTED, labels, "tree")
    if method == "dec":
        return from_centres(FITTED, FITTED[:12], "dec")
    standardise = method.endswith("standardised")
    return fit_clusters(FITTED, method.split()[0], 10, starts=2, standardise=standardise)


@pytest.mark.parametrize(
    "method", ["kmeans", "kmeans standardised", "gmm", "hdbscan", "tree", "dec"]
)
def test_head_predicts_as_the_clusters_do(method: str) -> None:
    clusters = made(method)
    head = cluster_head(clusters).eval()
    for codes in (FITTED, NEW):
        found = head(torch.from_numpy(codes)).numpy()
        assert found.dtype == np.int64
        assert (found == clusters.predict(codes)).mean() == 1
    assert clusters.n_clusters > 1


def test_nearest_rows_are_the_exact_ones_even_far_from_zero() -> None:
    rows, asked = FITTED + 10_000, NEW[:100] + 10_000
    found, distances = Nearest(rows, 10)(torch.from_numpy(asked))
    _, expected = nearest(rows, 10, asked)
    assert np.allclose(distances.numpy(), expected, rtol=1e-5)
    exact = np.linalg.norm(rows[found.numpy()] - asked[:, None], axis=2)
    assert np.allclose(exact, expected, rtol=1e-5)


def test_unknown_clusters_are_refused() -> None:
    clusters = made("kmeans")
    odd = FlatClusters("odd", clusters.labels, clusters.centres, clusters.preparation, {})
    with pytest.raises(InputError) as caught:
        cluster_head(odd)
    assert str(caught.value) == (
        "clusters to export must have centres, Gaussians or fitted rows; got clusters by odd. "
        "Use `pictree predict` or `pictree serve`."
    )
