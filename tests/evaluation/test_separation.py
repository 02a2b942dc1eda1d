from __future__ import annotations

import numpy as np
import pytest

from pictree.errors import InputError
from pictree.evaluation.separation import Silhouette, silhouette


def test_by_hand():
    # rows 0, 1 | 4: inside 1, 1; outside 4, 3; alone counts 0
    found = silhouette(np.array([[0.0], [1.0], [4.0]]), np.array([0, 0, 1]))
    assert found.value == pytest.approx((3 / 4 + 2 / 3 + 0) / 3)
    assert (found.n, found.sampled, found.reason) == (3, False, "")


def test_noise_is_left_out():
    codes = np.array([[0.0], [1.0], [4.0], [1000.0]])
    found = silhouette(codes, np.array([0, 0, 1, -1]))
    assert found == silhouette(codes[:3], np.array([0, 0, 1]))


def test_sample_is_stated_and_near_the_whole():
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 3, 2000)
    codes = rng.normal(size=(2000, 4)) + 3 * clusters[:, None]
    whole, part = silhouette(codes, clusters), silhouette(codes, clusters, sample=500, seed=1)
    assert (part.n, part.sampled) == (500, True)
    assert part.value == pytest.approx(whole.value, abs=0.03)
    assert part == silhouette(codes, clusters, sample=500, seed=1)


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ([0, 0, 0], Silhouette(None, 3, False, "there is only one cluster")),
        ([-1, -1, -1], Silhouette(None, 0, False, "all images are noise")),
        ([0, 1, 2], Silhouette(None, 3, False, "every cluster holds a single image")),
    ],
)
def test_no_value_has_a_reason(clusters, expected):
    assert silhouette(np.arange(3.0)[:, None], np.array(clusters)) == expected


def test_lengths_must_match():
    with pytest.raises(InputError) as caught:
        silhouette(np.zeros((3, 1)), np.zeros(2))
    assert str(caught.value) == (
        "codes and clusters must have the same length; got 3 and 2. "
        "Pass one cluster number for each row."
    )


def groups(n, d, seed=0):
    rng = np.random.default_rng(seed)
    clusters = rng.integers(0, 5, n)
    clusters[0] = 9  # alone
    return rng.normal(size=(n, d)) + rng.normal(size=(10, d))[clusters], clusters


@pytest.mark.parametrize("d", [2, 60])
def test_many_rows_are_measured_as_scikit_learn_does(d):
    from sklearn.metrics import silhouette_score

    codes, clusters = groups(2_500, d)
    found = silhouette(codes.astype(np.float32) + 7, clusters).value
    assert found == pytest.approx(silhouette_score(codes, clusters), abs=2e-6)


def test_tight_clusters_far_apart_are_measured_exactly():
    codes, clusters = groups(2_500, 2)
    far = codes * 1e-4 + 1e4 * clusters[:, None]
    near = np.where(clusters % 2 == 0, 1.0, 0.0)[:, None] * 1e-3 + codes * 1e-4
    from sklearn.metrics import silhouette_score

    rows = np.hstack([far * (clusters > 2)[:, None], near])
    assert silhouette(rows, clusters).value == pytest.approx(
        silhouette_score(rows, clusters), abs=2e-6
    )
