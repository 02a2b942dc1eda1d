from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.decomposition import PCA

from pictree.errors import InputError
from pictree.neighbors import as_rows, nearest, nearly_nearest, principal_axes


def plain(data, k):
    squares = ((data[:, None] - data[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    return np.sqrt(np.sort(squares, axis=1)[:, :k])


def test_by_hand():
    indices, distances = nearest(np.array([[0.0], [1.0], [3.0], [10.0]]), 2)
    np.testing.assert_array_equal(indices, [[1, 2], [0, 2], [1, 0], [2, 1]])
    np.testing.assert_array_equal(distances, [[1, 3], [1, 2], [2, 3], [7, 9]])
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


def test_queries_may_find_themselves():
    data = np.array([[0.0, 0.0], [3.0, 4.0]])
    indices, distances = nearest(data, 2, queries=np.array([[3.0, 4.0]]))
    np.testing.assert_array_equal(indices, [[1, 0]])
    np.testing.assert_array_equal(distances, [[0, 5]])


@settings(max_examples=50, deadline=None)
@given(
    arrays(np.float64, st.tuples(st.integers(2, 12), st.integers(1, 3)), elements=st.integers(0, 3))
)
def test_same_as_all_distances_and_never_itself(data):
    k = min(3, len(data) - 1)
    indices, distances = nearest(data, k)
    assert not (indices == np.arange(len(data))[:, None]).any()
    np.testing.assert_allclose(distances, plain(data, k), rtol=1e-6)
    assert all(len(set(row)) == k for row in indices.tolist())


def test_never_itself_among_more_duplicates_than_k():
    indices, distances = nearest(np.ones((50, 3)), 4)
    assert not (indices == np.arange(50)[:, None]).any()
    assert not distances.any()


def test_far_from_zero_stays_exact():
    data = np.random.default_rng(0).normal(size=(300, 5)).astype(np.float32) + np.float32(1000)
    np.testing.assert_allclose(nearest(data, 5)[1], plain(data.astype(float), 5), rtol=1e-3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.array([["a"]]),
            "the codes must be numbers; got an array of <U1. "
            "Pass a float array with one row per image.",
        ),
        (
            np.zeros((2, 3, 4)),
            "the codes must be a table with one row per image; got shape (2, 3, 4). "
            "Reshape to (images, numbers per image), each at least 1.",
        ),
        (
            np.array([[0.0], [np.nan], [np.inf]]),
            "the codes must be finite and at most 1e+18 in size; got NaN, infinite or larger "
            "values in 2 of 3 rows, first in row 1. Leave those rows out, or mend what made them.",
        ),
    ],
)
def test_bad_rows(data, message):
    with pytest.raises(InputError) as caught:
        as_rows(data)
    assert str(caught.value) == message


def test_large_values_are_finite():
    assert as_rows(np.full((4, 4), 1e18)).max() == np.float32(1e18)
    with pytest.raises(InputError):
        as_rows(np.full((4, 4), -1e300))


def test_bad_k_and_width():
    with pytest.raises(InputError) as caught:
        nearest(np.zeros((3, 2)), 3)
    assert str(caught.value) == (
        "the number of neighbours must be from 1 to 2 for this many rows; got 3. "
        "Pass a number from 1 to 2."
    )
    with pytest.raises(InputError) as caught:
        nearest(np.zeros((3, 2)), 1, np.zeros((3, 4)))
    assert str(caught.value) == (
        "the queries must have 2 numbers each, as the rows have; got 4. "
        "Make both by the same network or the same projection."
    )


@pytest.mark.parametrize("shape", [(300, 40), (40, 300), (600, 2100)])
def test_principal_axes_are_scikit_learns(shape):
    rng = np.random.default_rng(0)
    strong = rng.normal(size=(shape[0], 3)) * [9, 6, 4] @ rng.normal(size=(3, shape[1]))
    rows = (strong + 0.1 * rng.normal(size=shape) + 5).astype(np.float32)
    expected = PCA(3, svd_solver="full").fit(rows).components_
    axes = principal_axes(rows, 3)
    np.testing.assert_allclose(np.abs((axes * expected).sum(axis=1)), 1, atol=1e-4)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-5)
    assert (axes[np.arange(3), np.abs(axes).argmax(axis=1)] > 0).all()


def test_nearly_all_neighbours_of_codes_are_found_in_cells():
    from sklearn.datasets import load_digits

    digits = load_digits().data
    rng = np.random.default_rng(0)
    rows = digits[rng.integers(0, len(digits), 20_000)] + rng.normal(size=(20_000, 64))
    found, distances = nearly_nearest(rows, 10)
    true, _ = nearest(rows, 10)
    drawn = rng.choice(len(rows), 2_000, replace=False)
    assert np.mean([np.isin(true[i], found[i]).mean() for i in drawn]) >= 0.98
    measured = np.linalg.norm(rows[found[drawn]] - rows[drawn][:, None], axis=2)
    np.testing.assert_allclose(distances[drawn], measured, rtol=1e-4)


def test_few_rows_are_compared_with_all():
    rows = np.random.default_rng(0).normal(size=(100, 3))
    for one, two in zip(nearly_nearest(rows, 4), nearest(rows, 4), strict=True):
        np.testing.assert_array_equal(one, two)
