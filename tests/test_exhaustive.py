from __future__ import annotations

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from pictree.exhaustive import FEWEST_ROWS, nearest_of_all
from pictree.neighbors import nearest
from tests.test_cells import blobs


def brute(rows: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(rows.astype(np.float64))
    distances, indices = search.kneighbors()
    return indices, distances


@pytest.mark.parametrize(("n", "k"), [(3_000, 10), (5_500, 1), (1_030, 40)])
def test_it_finds_what_comparing_all_finds(n, k):
    rows = blobs(n, seed=n)
    indices, distances = nearest_of_all(rows, k)
    true, true_distances = brute(rows, k)
    assert np.array_equal(indices, true)
    np.testing.assert_allclose(distances, true_distances, rtol=1e-6)


def test_a_far_middle_makes_no_difference():
    rows = blobs(2_000).round(2)
    moved, _ = nearest_of_all(rows + np.float32(64), 5)
    assert np.array_equal(moved, brute(rows + np.float32(64), 5)[0])


def test_copies_come_in_the_order_of_their_numbers():
    rows = np.repeat(blobs(400), 4, axis=0)
    indices, _ = nearest_of_all(rows, 5)
    assert indices[5, :3].tolist() == [4, 6, 7]


@pytest.mark.parametrize("stray", [1e6, 1e17])
def test_where_float32_cannot_tell_it_says_so(stray):
    rows = blobs(2_000)
    rows[7] = stray
    assert nearest_of_all(rows, 5) is None


def test_equal_rows_are_left_to_others():
    assert nearest_of_all(np.ones((2_000, 4), np.float32), 5) is None


def test_nearest_gives_the_same_on_both_sides_of_the_limit():
    rows = blobs(FEWEST_ROWS)
    indices, distances = nearest(rows, 4)
    drawn = np.arange(0, FEWEST_ROWS, 97)
    found, apart = nearest(rows, 5, queries=rows[drawn])
    assert np.array_equal(found[:, 0], drawn)
    assert np.array_equal(indices[drawn], found[:, 1:])
    np.testing.assert_allclose(distances[drawn], apart[:, 1:], rtol=1e-4)
