from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pictree.lookup import Lookup
from tests.test_cells import blobs


def plain(rows: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Compare all in float64; equal distances by the lower number."""
    apart = [((rows.astype(np.float64) - query) ** 2).sum(axis=1) for query in queries]
    indices = np.array([np.argsort(row, kind="stable")[:k] for row in apart])
    return indices, np.sqrt(np.take_along_axis(np.array(apart), indices, axis=1))


def agree(rows: np.ndarray, queries: np.ndarray, k: int) -> None:
    indices, distances = Lookup(rows).search(queries, k)
    true, true_distances = plain(rows, queries, k)
    assert np.array_equal(indices, true)
    np.testing.assert_allclose(distances, true_distances, rtol=1e-6)
    assert (indices.dtype, distances.dtype) == (np.int32, np.float32)


@pytest.mark.parametrize("k", [1, 10, 300])
def test_it_finds_what_comparing_all_finds(k):
    rows = blobs(30_000)
    agree(rows, np.concatenate([rows[:40], blobs(40, seed=1)]), k)


def test_one_question_and_many_get_the_same_answers():
    rows, queries = blobs(30_000), blobs(700, seed=2)
    lookup = Lookup(rows)
    together = lookup.search(queries, 10)
    apart = [lookup.search(query[None], 10) for query in queries]
    assert np.array_equal(together[0], np.concatenate([one[0] for one in apart]))
    assert np.array_equal(together[1], np.concatenate([one[1] for one in apart]))


def test_copies_come_in_the_order_of_their_numbers():
    rows = np.tile(blobs(300), (50, 1))
    indices, distances = Lookup(rows).search(rows[5:6], 50)
    assert indices[0].tolist() == list(range(5, 15_000, 300))
    assert not distances.any()


@settings(max_examples=50)
@given(
    arrays(np.float32, st.tuples(st.integers(1, 40), st.just(2)), elements=st.integers(0, 3)),
    st.integers(1, 40),
)
def test_ties_are_those_of_the_plain_way(rows, k):
    agree(rows, np.float32([[0, 0], [1, 1], [1.5, 1.5], [9, 9]]), min(k, len(rows)))


@pytest.mark.parametrize("scale", [1e-20, 1e-6, 1, 1e6, 1e17])
@pytest.mark.parametrize("shift", [0, 1, 1000])
def test_neither_size_nor_place_of_the_numbers_makes_a_difference(scale, shift):
    rows = ((blobs(5_000) + np.float32(shift)) * np.float32(scale)).astype(np.float32)
    agree(rows, rows[:20] + np.float32(0.1 * scale), 5)


def test_a_stray_row_or_query_makes_no_difference():
    rows, queries = blobs(5_000), blobs(20, seed=3)
    rows[7], queries[3] = 1e17, -1e18
    agree(rows, queries, 5)


def test_equal_rows():
    indices, distances = Lookup(np.zeros((2_000, 3), np.float32)).search(np.zeros((2, 3)), 4)
    assert indices.tolist() == [[0, 1, 2, 3]] * 2
    assert not distances.any()


def test_no_question():
    indices, distances = Lookup(blobs(100)).search(np.zeros((0, 12), np.float32), 3)
    assert (indices.shape, distances.shape) == ((0, 3), (0, 3))
