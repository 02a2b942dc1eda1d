from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score, mutual_info_score

from pictree.clustering.tree import ClusterTree
from pictree.clustering.vote import agreement_by_k, match, vote


def test_vote_by_hand():
    a = np.array([0, 0, 0, 1, 1, 2])
    b = np.array([2, 2, 2, 0, 0, 1])  # a, renamed
    c = np.array([0, 0, 1, 1, 1, 2])  # disagrees on row 2
    clusters, confidence = vote([a, b, c], np.array([0.5, 0.4, 0.1]))
    np.testing.assert_array_equal(clusters, a)
    np.testing.assert_allclose(confidence, [1, 1, 0.9, 1, 1, 1])
    assert (clusters.dtype, confidence.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(vote([a, b, c], np.array([0.1, 0.1, 0.9]))[0], c)


def test_match_by_hand():
    reference, labels = np.array([0, 0, 0, 1, 1, 2]), np.array([2, 2, 1, 1, 1, 0])
    assert match(reference, labels, 3).tolist() == [2, 1, 0]


def test_weights_below_zero_do_not_count():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    np.testing.assert_array_equal(vote([a, b], np.array([0.2, -0.5]))[1], np.ones(4))
    np.testing.assert_allclose(vote([a, b], np.array([-0.5, -0.5]))[1].max(), 1)


def tree_of(rng, leaves):
    count = leaves.max() + 1
    alive, children = list(range(count)), []
    for i in range(count - 1):
        a, b = sorted(rng.choice(len(alive), 2, replace=False))
        children.append((alive[a], alive[b]))
        del alive[b], alive[a]
        alive.append(count + i)
    return ClusterTree(leaves.astype(np.int32), np.array(children), np.zeros(count - 1))


def test_agreement_is_scikit_learns_on_the_cuts():
    rng = np.random.default_rng(0)
    base = np.concatenate([np.arange(12), rng.integers(0, 12, 300)])
    noisy = [np.where(rng.random(312) < 0.2, rng.integers(0, 12, 312), base) for _ in range(3)]
    trees = [tree_of(rng, np.unique(leaves, return_inverse=True)[1]) for leaves in noisy]
    found = agreement_by_k(trees, [1, 2, 5, 12])
    for k in (2, 5, 12):
        cuts = [tree.cut(k) for tree in trees]
        pairs = [(0, 1), (0, 2), (1, 2)]
        rand = [adjusted_rand_score(cuts[i], cuts[j]) for i, j in pairs]
        assert found[k].mean == pytest.approx(np.mean(rand))
        assert found[k].each[0] == pytest.approx(np.mean(rand[:2]))
        information = [mutual_info_score(cuts[i], cuts[j]) for i, j in pairs]
        assert found[k].information == pytest.approx(np.mean(information))
    assert found[1].mean == 1
    assert agreement_by_k(trees[:1], [2])[2].mean == 1
