from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from pictree.clustering import kmeans
from pictree.clustering.flat import (
    METHODS,
    FlatClusters,
    by_size,
    fit_clusters,
    from_centres,
    labels_by_seed,
)
from pictree.clustering.kmeans import fit_centres, nearest_centre
from pictree.errors import InputError


def blobs(sizes=(50, 30, 20), width=4, seed=0):
    rng = np.random.default_rng(seed)
    known = np.repeat(np.arange(len(sizes)), sizes)
    order = rng.permutation(len(known))
    return (rng.normal(size=(len(known), width)) + 20 * known[:, None])[order], known[order]


@pytest.fixture(scope="module")
def sklearn_digits():
    return load_digits(return_X_y=True)


@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_blobs_are_found_and_numbered_by_size(method, standardise):
    codes, known = blobs()
    found = fit_clusters(codes, method, 3, standardise=standardise)
    kept = found.labels >= 0
    assert kept.mean() > 0.9
    np.testing.assert_array_equal(found.labels[kept], known[kept])
    assert (found.n_clusters, found.labels.dtype, found.centres.dtype) == (3, np.int32, np.float32)
    means = [codes[known == j].mean(axis=0) for j in range(3)]
    np.testing.assert_allclose(found.centres, means, atol=0.6)


@pytest.mark.parametrize("method", METHODS)
def test_predict_on_the_fits_codes_gives_the_labels_also_one_by_one(method, sklearn_digits):
    codes = sklearn_digits[0]
    found = fit_clusters(codes, method, 10)
    np.testing.assert_array_equal(found.predict(codes), found.labels)
    one_by_one = [found.predict(codes[i : i + 1])[0] for i in range(100)]
    np.testing.assert_array_equal(one_by_one, found.labels[:100])


@pytest.mark.parametrize("method", METHODS)
def test_saved_and_opened_without_pickle(method, sklearn_digits):
    codes = sklearn_digits[0][:600]
    found = fit_clusters(codes, method, 5, standardise=True)
    file = io.BytesIO()
    np.savez(file, **found.to_arrays())
    file.seek(0)
    again = FlatClusters.from_arrays(np.load(file, allow_pickle=False))
    assert again.method == method
    np.testing.assert_array_equal(again.labels, found.labels)
    np.testing.assert_array_equal(again.centres, found.centres)
    new = sklearn_digits[0][600:]
    np.testing.assert_array_equal(again.predict(new), found.predict(new))


@pytest.mark.parametrize("method", METHODS)
def test_one_seed_gives_the_same_bytes(method, sklearn_digits):
    a, b = (fit_clusters(sklearn_digits[0], method, 10, seed=7).to_arrays() for _ in range(2))
    assert all(a[name].tobytes() == b[name].tobytes() for name in a)


def test_kmeans_is_scikit_learns(sklearn_digits):
    codes = sklearn_digits[0].astype(np.float32)
    theirs = KMeans(10, n_init=10, random_state=3).fit(codes)
    ours = fit_clusters(codes, "kmeans", 10, seed=3)
    assert adjusted_rand_score(theirs.labels_, ours.labels) == 1
    new = codes + np.random.default_rng(0).normal(size=codes.shape).astype(np.float32)
    assert adjusted_rand_score(theirs.predict(new), ours.predict(new)) == 1


@pytest.mark.parametrize("rows", [1797, 300])
def test_mixture_predicts_as_scikit_learn_does_with_the_same_parameters(rows, sklearn_digits):
    codes = sklearn_digits[0][:rows]
    ours = fit_clusters(codes, "gmm", 4)
    factors = ours.model["precisions"]
    theirs = GaussianMixture(len(factors), covariance_type="full")
    theirs.weights_ = np.exp(ours.model["log_weights"])
    theirs.means_ = ours.model["means"]
    theirs.precisions_cholesky_ = factors
    new = sklearn_digits[0]
    expected = theirs.predict(ours.preparation.apply(new.astype(np.float32)))
    np.testing.assert_array_equal(ours.model["order"][ours.predict(new)], expected)


def test_large_codes_reach_the_inertia_of_plain_kmeans(digits, monkeypatch):
    rows = (digits[0][:2000].reshape(2000, -1) / 255).astype(np.float32)

    def inertia(centres):
        return ((rows - centres[nearest_centre(rows, centres)]) ** 2).sum()

    plain = inertia(fit_centres(rows, 10, starts=10, seed=0))
    monkeypatch.setattr(kmeans, "LARGE", 1000)
    monkeypatch.setattr(kmeans, "STARTS_ROWS", 1500)
    assert inertia(fit_centres(rows, 10, starts=10, seed=0)) < 1.005 * plain


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.sampled_from([0.0, 1.0, 1000.0]))
def test_nearest_centre_is_the_plain_answer_and_the_same_for_each_row_alone(seed, k, offset):
    rng = np.random.default_rng(seed)
    rows = (rng.integers(0, 4, (40, 3)) + offset).astype(np.float32)  # many exact ties
    centres = (rng.integers(0, 4, (k, 3)) + offset).astype(np.float32)
    plain = ((rows[:, None].astype(float) - centres[None]) ** 2).sum(axis=2).argmin(axis=1)
    np.testing.assert_array_equal(nearest_centre(rows, centres), plain)
    alone = [nearest_centre(rows[i : i + 1], centres)[0] for i in range(len(rows))]
    np.testing.assert_array_equal(alone, plain)


def test_constant_columns_and_one_cluster():
    codes = np.column_stack([np.arange(6.0), np.full(6, 3.0)])
    found = fit_clusters(codes, "kmeans", 1, standardise=True)
    np.testing.assert_array_equal(found.labels, np.zeros(6))
    np.testing.assert_allclose(found.centres, [[2.5, 3.0]])


def test_by_size_by_hand():
    np.testing.assert_array_equal(by_size(np.array([7, -1, 2, 2, 5, 7, -1, -1, 9])), [7, 2, 5, 9])


def test_hdbscan_calls_far_rows_noise():
    codes, _ = blobs()
    found = fit_clusters(codes, "hdbscan")
    assert found.predict(np.full((1, 4), 20.0))[0] == found.predict(codes[found.labels == 1])[0]
    assert fit_clusters(np.random.default_rng(0).normal(size=(60, 8)), "hdbscan").n_clusters in (
        0,
        2,
        3,
    )


@pytest.mark.parametrize("method", METHODS)
def test_scikit_learns_warnings_do_not_leak(method):
    codes = np.repeat(np.arange(4.0), 20)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit_clusters(codes, method, 4)


@pytest.mark.parametrize(
    ("codes", "arguments", "message"),
    [
        (
            np.arange(6.0).reshape(3, 2),
            {"k": 4},
            "k must be from 1 to 3, the number of codes; got 4. Pass another k.",
        ),
        (
            np.ones((3, 2)),
            {"k": 2},
            "there must be at least two different codes; got 3 codes, all equal. "
            "Check that the images differ and that the network has been trained.",
        ),
        (
            np.ones((1, 2)),
            {"k": 1},
            "there must be at least two different codes; got 1 code. "
            "Check that the images differ and that the network has been trained.",
        ),
        (
            np.repeat(np.arange(2.0), 30)[:, None],
            {"k": 3},
            "k must be at most 2, the number of different codes; got 3. Pass a smaller k.",
        ),
        (
            np.array([[1.0], [np.nan]]),
            {"k": 1},
            "the codes must be finite and at most 1e+18 in size; got NaN, infinite or larger "
            "values in 1 of 2 rows, first in row 1. Leave those rows out, or mend what made them.",
        ),
        (
            np.arange(4.0)[:, None],
            {"method": "hdbscan"},
            "hdbscan needs at least 5 codes; got 4. Pass more images, or take kmeans.",
        ),
        (
            np.arange(4.0)[:, None],
            {"method": "ward"},
            "the method must be one of kmeans, gmm, hdbscan; got ward. Pass one of them.",
        ),
        (
            np.arange(4.0)[:, None],
            {"k": 2, "starts": 0},
            "starts must be at least 1; got 0. Pass 1 or more.",
        ),
    ],
)
def test_bad_input_is_one_sentence(codes, arguments, message):
    with pytest.raises(InputError) as caught:
        fit_clusters(codes, **arguments)
    assert str(caught.value) == message


def test_predict_refuses_another_width():
    found = fit_clusters(np.arange(8.0).reshape(4, 2), "kmeans", 2)
    with pytest.raises(InputError) as caught:
        found.predict(np.zeros((2, 3)))
    assert str(caught.value) == (
        "the codes must have 2 numbers each, as those of the fit had; got 3. "
        "Encode the images with the network that made the codes of the fit."
    )


def test_clusters_of_learned_centres_by_hand() -> None:
    codes = np.array([[0.0], [0.5], [4.0], [4.5], [5.0]])
    centres = np.array([[0.0], [100.0], [4.0]])
    found = from_centres(codes, centres, "dec")
    assert found.labels.tolist() == [1, 1, 0, 0, 0]
    assert found.centres.tolist() == [[4.0], [0.0]]  # the unused one is gone
    assert found.predict(np.array([[-3.0], [2.1]])).tolist() == [1, 0]
    again = FlatClusters.from_arrays(found.to_arrays())
    assert again.predict(codes).tolist() == found.labels.tolist()
    # 1 / (1 + 1) beside 1 / (1 + 9): five of six parts.
    assert again.confidence(np.array([[1.0]])).tolist() == pytest.approx([5 / 6])
    assert fit_clusters(codes, "kmeans", 2).confidence(codes) is None


@pytest.mark.parametrize("rows", [400, 100])  # fewer are drawn, the axes are each seed's own
@pytest.mark.parametrize("standardise", [False, True])
def test_clusters_of_seeds_together_are_those_of_each(
    sklearn_digits, monkeypatch, rows, standardise
):
    monkeypatch.setattr(kmeans, "LARGE", 0)
    monkeypatch.setattr(kmeans, "STARTS_DIMENSIONS", 8)
    monkeypatch.setattr(kmeans, "STARTS_ROWS", rows)
    codes, seeds = sklearn_digits[0][:400], (0, 1, 2)
    together = labels_by_seed(codes, "kmeans", 10, standardise=standardise, seeds=seeds)
    for seed, labels in zip(seeds, together, strict=True):
        alone = fit_clusters(codes, "kmeans", 10, starts=1, standardise=standardise, seed=seed)
        assert adjusted_rand_score(alone.labels, labels) == 1
    assert adjusted_rand_score(together[0], together[1]) < 1


def test_a_mixture_of_each_seed(sklearn_digits):
    codes = sklearn_digits[0][:200]
    (labels,) = labels_by_seed(codes, "gmm", 5, standardise=False, seeds=[3])
    np.testing.assert_array_equal(labels, fit_clusters(codes, "gmm", 5, starts=1, seed=3).labels)
