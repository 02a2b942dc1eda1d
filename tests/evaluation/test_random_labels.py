"""Labels on random pictures: by hand, against a plain count, and better with more of them."""

from __future__ import annotations

import numpy as np
import pytest

from pictree.errors import InputError
from pictree.evaluation.random_labels import SAMPLE, RandomLabels, random_labels
from pictree.neighbors import principal_axes

TWO = np.concatenate([np.arange(5), 100 + np.arange(5)])[:, None].astype(np.float32)
KINDS = ["a"] * 5 + ["b"] * 5


def test_by_hand():
    # One label names its own side: 5 of 10, whichever it is. Ten name all.
    assert random_labels(TWO, KINDS, [1, 10]) == [
        RandomLabels(1, 0.5, 0.0),
        RandomLabels(10, 1.0, 0.0),
    ]


def test_more_labels_than_pictures_label_all():
    assert random_labels(TWO, KINDS, [50]) == [RandomLabels(50, 1.0, 0.0)]


def test_unknown_labels_are_left_out():
    codes = np.concatenate([TWO, np.full((30, 1), 50, np.float32)])
    assert random_labels(codes, KINDS + [None] * 30, [1]) == [RandomLabels(1, 0.5, 0.0)]


def test_agrees_with_a_plain_count(digits):
    """Every picture, the labelled ones too, against its nearest labelled one: no sample."""
    rows = digits[0][:300].reshape(300, -1).astype(np.float32)
    known = digits[1][:300]
    (found,) = random_labels(rows, [str(label) for label in known], [40], seed=3)
    shares = []
    for seed in range(3, 8):
        drawn = np.random.default_rng(seed).permutation(300)[:40]
        apart = ((rows[:, None] - rows[drawn][None]) ** 2).sum(axis=2)
        shares.append((known[drawn][apart.argmin(axis=1)] == known).mean())
    assert found.mean == pytest.approx(np.mean(shares))
    assert found.deviation == pytest.approx(np.std(shares))


def test_more_labels_are_better_on_digits(digits):
    rows = digits[0][:2000].reshape(2000, -1).astype(np.float32)
    codes = rows @ principal_axes(rows, 50).T
    few, some, many = random_labels(codes, digits[1][:2000].tolist(), [10, 100, 1000])
    assert 0.2 < few.mean < some.mean < many.mean < 1
    assert many.mean > 0.9


def test_a_large_pile_is_measured_on_a_sample():
    half = SAMPLE
    codes = np.concatenate([np.zeros(half), np.ones(half)])[:, None].astype(np.float32)
    (found,) = random_labels(codes, ["a"] * half + ["b"] * half, [1])
    assert found.mean == pytest.approx(0.5, abs=0.01)
    assert found.deviation > 0


def test_messages():
    with pytest.raises(InputError) as caught:
        random_labels(TWO, KINDS[1:], [1])
    assert str(caught.value) == (
        "codes and known labels must have the same length; got 10 and 9. "
        "Pass one known label, or None, for each row of codes."
    )
    with pytest.raises(InputError) as caught:
        random_labels(TWO, KINDS, [3, 0])
    assert str(caught.value) == "the number of labels must be at least 1; got 0. Pass a larger one."
