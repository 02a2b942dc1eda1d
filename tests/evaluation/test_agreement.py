from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.errors import InputError
from pictree.evaluation.agreement import (
    accuracy,
    ari,
    contents,
    contingency,
    nmi,
    purity,
    score,
)

CLUSTERS = np.array([0, 0, 0, 1, 1, 2])
KNOWN = ["a", "a", "b", "b", "b", "b"]


def test_by_hand():
    np.testing.assert_array_equal(contingency(CLUSTERS, KNOWN), [[2, 1], [0, 2], [0, 1]])
    assert accuracy(CLUSTERS, KNOWN) == 4 / 6  # 0 is a, 1 is b, 2 stays unmatched
    assert purity(CLUSTERS, KNOWN) == 5 / 6
    # pairs together in both 2, in clusters 4, in labels 7, of 15: (2 - 28/15) / (5.5 - 28/15)
    assert ari(CLUSTERS, KNOWN) == pytest.approx(2 / 54.5)
    # information: 1/3 log 2 + 1/6 log(1/2) + 1/3 log(3/2) + 1/6 log(3/2)
    information = np.log(2) / 6 + np.log(1.5) / 2
    of_clusters = np.log(2) / 2 + np.log(3) / 3 + np.log(6) / 6
    of_known = np.log(3) / 3 + np.log(1.5) * 2 / 3
    assert nmi(CLUSTERS, KNOWN) == pytest.approx(2 * information / (of_clusters + of_known))


def test_unknown_labels_are_ignored():
    clusters = np.append(CLUSTERS, [1, 0, 7])
    assert score(clusters, [*KNOWN, None, None, None]) == score(CLUSTERS, KNOWN)


def test_numbers_and_text_are_the_same_labels():
    assert score(CLUSTERS, np.array([4, 4, 9, 9, 9, 9])) == score(CLUSTERS, KNOWN)


def test_noise_is_one_more_cluster():
    assert accuracy(np.array([-1, -1, 0]), ["a", "a", "b"]) == 1


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=40))
def test_renaming_changes_nothing_and_equal_is_perfect(pairs):
    clusters, known = np.array(pairs).T
    renamed = np.array([3, 9, 1, 0, 7])[clusters]
    assert score(clusters, known) == pytest.approx(score(renamed, known))
    assert score(renamed, clusters) == pytest.approx(
        dict.fromkeys(("acc", "ari", "nmi", "purity"), 1)
    )
    assert accuracy(clusters, known) <= purity(clusters, known) <= 1


def test_contents_in_words():
    clusters = np.array([0] * 43 + [1] * 3 + [-1])
    known = [4] * 22 + [9] * 14 + [7] * 7 + [1, None, None] + [None]
    noise, first, second = contents(clusters, known)
    assert first.counts == [("4", 22), ("9", 14), ("7", 7)]
    assert first.in_words == "22 are 4, 14 are 9, 7 are 7"
    assert (second.size, second.in_words) == (3, "1 is 1, 2 without a known label")
    assert (noise.cluster, noise.in_words) == (-1, "1 without a known label")


def test_many_kinds_are_summed_up():
    (only,) = contents(np.zeros(8, dtype=int), ["b", "a", "a", "c", "d", "e", "f", "g"])
    assert only.in_words == "2 are a, 1 is b, 1 is c, 1 is d, 1 is e, 2 of 2 other kinds"


def test_messages():
    with pytest.raises(InputError) as caught:
        score(CLUSTERS, ["a"])
    assert str(caught.value) == (
        "clusters and known labels must be two lists of the same length; got shapes (6,) and "
        "(1,). Pass one known label, or None, for each image."
    )
    with pytest.raises(InputError) as caught:
        score(CLUSTERS, [None] * 6)
    assert str(caught.value) == (
        "at least one image must have a known label; got none. "
        "Pass known labels, or leave this score out."
    )
