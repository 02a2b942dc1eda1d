from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.clustering.leaves import neighbour_graph
from pictree.clustering.merge import joint_shares, merge, mutual_information


def plain_merge(shares, groups=None):
    """The same by definition: merge each pair on trial and compute all information anew."""
    nodes = list(range(len(shares)))
    groups = [0] * len(shares) if groups is None else list(groups)
    children, losses, table = [], [], shares
    while len(nodes) > 1:
        apart = len(set(groups)) == len(groups)
        trials = []
        for a in range(len(nodes)):
            for b in range(a + 1, len(nodes)):
                if apart or groups[a] == groups[b]:
                    joined = table.copy()
                    joined[a] += joined[b]
                    joined[:, a] += joined[:, b]
                    joined = np.delete(np.delete(joined, b, 0), b, 1)
                    loss = mutual_information(table) - mutual_information(joined)
                    mass = table.sum(axis=1)
                    relative = loss / np.sqrt(mass[a] * mass[b] / (mass[a] + mass[b]))
                    trials.append((relative, a, b, loss, joined))
        _, a, b, loss, table = min(trials, key=lambda trial: trial[:3])
        children.append(sorted((nodes[a], nodes[b])))
        losses.append(loss)
        nodes[a] = len(shares) + len(losses) - 1
        del nodes[b], groups[b]
    return np.array(children).reshape(-1, 2), np.array(losses)


def random_shares(count, seed):
    rng = np.random.default_rng(seed)
    table = rng.random((count, count)) ** 3 * (rng.random((count, count)) < 0.5) + np.eye(count)
    table = table + table.T
    return table / table.sum()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(0, 10_000), st.booleans())
def test_fast_is_plain(count, seed, grouped):
    shares = random_shares(count, seed)
    groups = np.random.default_rng(seed).integers(0, 3, count) if grouped else None
    children, losses = merge(shares, groups)
    expected_children, expected_losses = plain_merge(shares, groups)
    np.testing.assert_array_equal(children, expected_children)
    np.testing.assert_allclose(losses, expected_losses, atol=1e-12)


def test_losses_add_up_to_all_information():
    shares = random_shares(30, 1)
    assert merge(shares)[1].sum() == pytest.approx(mutual_information(shares))


def test_information_by_hand():
    assert mutual_information(np.eye(4) / 4) == pytest.approx(np.log(4))
    assert mutual_information(np.full((2, 2), 0.25)) == pytest.approx(0)


def test_linked_leaves_merge_first_and_groups_hold():
    shares = np.kron(np.eye(2), [[3, 2], [2, 3]]) / 20
    np.testing.assert_array_equal(merge(shares)[0], [[0, 1], [2, 3], [4, 5]])
    grouped = merge(shares, np.array([0, 1, 0, 1]))[0]
    np.testing.assert_array_equal(grouped, [[0, 2], [1, 3], [4, 5]])


def test_joint_shares_by_hand():
    # 0 and 1 are each other's neighbours (2), 2's neighbour is 1 (1)
    graph = neighbour_graph(np.array([[1], [0], [1]], dtype=np.int32))
    np.testing.assert_array_equal(graph.toarray(), [[0, 2, 0], [2, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(
        joint_shares(graph, np.array([0, 0, 1])), [[4 / 6, 1 / 6], [1 / 6, 0]]
    )


def test_the_given_table_is_left_alone():
    shares = random_shares(6, 2)
    before = shares.copy()
    merge(shares)
    np.testing.assert_array_equal(shares, before)
