from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.repulsion import is_known, push


def by_definition(points: np.ndarray) -> tuple[np.ndarray, float]:
    apart = points[:, None] - points[None]
    kernel = 1 / (1 + (apart**2).sum(axis=2))
    np.fill_diagonal(kernel, 0)
    total = float(kernel.sum())
    return -(kernel[..., None] ** 2 * apart).sum(axis=1) / total, total


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 200), st.floats(1e-6, 3), st.floats(-50, 50), st.integers(0, 99))
def test_forces_of_a_small_map_are_those_of_the_definition(n, spread, middle, seed):
    points = np.random.default_rng(seed).normal(size=(n, 2)) * spread + middle
    expected, total = by_definition(points)
    found, sum_found = push(points)
    assert sum_found == pytest.approx(total, rel=2e-3)
    np.testing.assert_allclose(found, expected, atol=0.02 * np.abs(expected).max())


def test_forces_of_a_wide_map_are_as_near_to_the_definition_as_opentsnes():
    from openTSNE import _tsne

    points = np.random.default_rng(0).normal(size=(1_500, 2)) * [30, 10]
    expected, total = by_definition(points)
    theirs = np.zeros_like(points)
    _tsne.estimate_negative_gradient_fft_2d(points, theirs, 3, 50, 1, dof=1)
    ours, sum_found = push(points)
    assert sum_found == pytest.approx(total, rel=5e-3)
    assert np.abs(ours - expected).mean() <= 1.1 * np.abs(theirs - expected).mean()


def test_threads_change_nothing():
    points = np.random.default_rng(0).normal(size=(500, 2)) * 20
    np.testing.assert_array_equal(push(points, 1)[0], push(points, 2)[0])


def test_points_all_in_one_place_push_nowhere():
    found, total = push(np.full((5, 2), 3.0))
    np.testing.assert_allclose(found, 0, atol=1e-6)
    assert total == pytest.approx(20, rel=1e-4)


def test_opentsne_has_the_attracting_forces_that_are_called():
    assert is_known()
