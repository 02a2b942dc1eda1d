from __future__ import annotations

import numpy as np
import pytest

from pictree.clustering import leaves as module
from pictree.clustering.leaves import find_leaves, neighbour_graph, renumber
from pictree.neighbors import nearest


@pytest.fixture(scope="module")
def graph(digits):
    images, _ = digits
    return neighbour_graph(nearest(images[:1000].reshape(1000, -1), 5)[0])


def test_leaves_are_pure_and_numbered_by_size(graph, digits):
    found = find_leaves(graph, resolution=2.0, at_least=2, seed=0)
    sizes = np.bincount(found)
    assert 15 < len(sizes) < 200
    assert (np.diff(sizes) <= 0).all()
    known = digits[1][:1000]
    mixed = np.random.default_rng(0).permutation(found)
    right, chance = (
        sum(np.bincount(known[labels == j]).max() for j in range(len(sizes))) / 1000
        for labels in (found, mixed)
    )
    assert chance < 0.3
    assert right > 0.7


def test_enough_leaves_and_one_seed_gives_the_same(graph):
    found = find_leaves(graph, resolution=2.0, at_least=150, seed=1)
    assert found.max() + 1 >= 150
    np.testing.assert_array_equal(found, find_leaves(graph, resolution=2.0, at_least=150, seed=1))
    assert find_leaves(graph, resolution=2.0, at_least=5000, seed=1).max() == 999


def test_too_many_leaves_join_what_they_are_linked_to(graph, monkeypatch):
    monkeypatch.setattr(module, "MOST_LEAVES", 20)
    found = find_leaves(graph, resolution=8.0, at_least=2, seed=0)
    assert found.max() + 1 == 20
    assert len(np.unique(found)) == 20


def test_renumber_by_hand():
    np.testing.assert_array_equal(renumber(np.array([7, 3, 3, 9, 7, 3])), [1, 0, 0, 2, 1, 0])


def test_any_seed_is_taken():
    links = neighbour_graph(nearest(np.random.default_rng(0).normal(size=(40, 3)), 5)[0])
    leaves = [find_leaves(links, resolution=2.0, at_least=2, seed=s) for s in (7, 7 + 2**32)]
    np.testing.assert_array_equal(*leaves)
