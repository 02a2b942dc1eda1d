"""Clusters that are places are told from clusters that are kinds."""

from __future__ import annotations

import numpy as np
import pytest

from pictree.evaluation.places import places

ACROSS = np.arange(32) - 15.5


def parts(shifts: np.ndarray) -> np.ndarray:
    """A bright square with soft edges, shifted down and to the right by so many pixels."""
    down, right = (1 / (1 + np.exp(2 * (np.abs(ACROSS - s[:, None]) - 8))) for s in shifts.T)
    light = down[:, :, None] * right[:, None, :]
    noise = np.random.default_rng(1).normal(0, 2, light.shape)
    return np.clip(40 + 180 * light + noise, 0, 255).astype(np.uint8)[..., None]


@pytest.fixture(scope="module")
def shifts() -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (300, 2))


def test_clusters_by_place_are_places(shifts: np.ndarray) -> None:
    by_place = 2 * (shifts[:, 0] > 0) + (shifts[:, 1] > 0)
    found = places(parts(shifts), by_place)
    assert found.same > 0.8
    # Each half of a uniform range has a quarter of its variance within.
    assert found.told == pytest.approx(0.75, abs=0.03)
    assert not found.are_kinds


def test_clusters_that_go_by_something_else_are_kinds(shifts: np.ndarray) -> None:
    found = places(parts(shifts), np.arange(300) % 4)
    assert found.same > 0.8
    assert found.told < 0.05
    assert found.are_kinds


def test_digits_are_kinds(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, known = digits
    found = places(images[:3000, ..., None], known[:3000])
    assert found.same < 0.1
    assert found.are_kinds


def test_pictures_that_are_all_alike_are_no_places() -> None:
    found = places(np.full((6, 4, 4, 1), 9, np.uint8), np.arange(6) % 2)
    assert (found.same, found.told) == (0.0, 0.0)
    assert found.are_kinds
