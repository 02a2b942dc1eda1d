"""Effort as a whole: a small tree by hand, and real digits poor before, good after."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np

from pictree.clustering.instant import instant_tree
from pictree.evaluation.effort import BUDGET, TARGETS, Row, Work, effort
from pictree.evaluation.random_labels import random_labels
from pictree.neighbors import principal_axes

LEAVES = np.repeat([0, 1, 2, 3], [5, 4, 4, 2])
KNOWN = list("aaaaaabbbccccbb")
CHILDREN = np.array([[0, 1], [2, 3], [4, 5]])
CODES = np.arange(15, dtype=np.float32)[:, None]


def test_by_hand():
    found = effort(LEAVES, CHILDREN, KNOWN, CODES, k=2, seed=7)
    four, six = random_labels(CODES, KNOWN, [4, 6], seed=7)
    down = Work(6, 14 / 15, six.mean, six.deviation)
    naming = Work(4, 14 / 15, four.mean, four.deviation)
    assert (found.images, found.k, found.leaves, found.best) == (15, 2, 4, 14 / 15)
    assert found.targets == [
        Row(0.90, down, naming),
        Row(0.95, None, None),
        Row(0.98, None, None),
    ]
    assert found.budget == Row(None, down, naming)


def test_is_plain_json_numbers():
    import json

    found = asdict(effort(LEAVES, CHILDREN, KNOWN, CODES, k=2))
    assert json.loads(json.dumps(found, allow_nan=False))["budget"]["naming"]["decisions"] == 4


def test_the_tree_saves_decisions_on_digits(digits):
    rows = digits[0][:3000].reshape(3000, -1).astype(np.float32)
    codes = rows @ principal_axes(rows, 50).T
    known = [str(label) for label in digits[1][:3000]]
    tree = instant_tree(codes, k=10).tree
    found = effort(tree.leaves, tree.children, known, codes, k=10)
    work = found.budget.going_down
    assert work.decisions <= BUDGET
    assert work.accuracy > work.random + 0.15
    assert work.accuracy > 0.8
    for target, row in zip(TARGETS, found.targets, strict=True):
        for way in (row.going_down, row.naming):
            assert (way is None) == (found.best < target)
            assert way is None or way.accuracy >= target
    # Leaves without regard to the pictures save nothing.
    mixed = np.random.default_rng(0).permutation(tree.leaves)
    lost = effort(mixed, tree.children, known, codes, k=10).budget.going_down
    assert lost.accuracy < work.random
