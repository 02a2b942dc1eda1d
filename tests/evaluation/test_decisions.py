"""Decisions per picture: small trees by hand, two paths that agree, bounds that must hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError
from pictree.evaluation.agreement import purity
from pictree.evaluation.decisions import by_going_down, by_naming, count_nodes, decisions_for

# Leaves: 5 a; 3 b and 1 a; 4 c; 2 b. Nodes: 4 joins the first two, 5 the others, 6 both.
LEAVES = np.repeat([0, 1, 2, 3], [5, 4, 4, 2])
KNOWN = list("aaaaaabbbccccbb")
CHILDREN = np.array([[0, 1], [2, 3], [4, 5]])


def test_nodes_by_hand():
    assert count_nodes(LEAVES, CHILDREN, KNOWN).tolist() == [
        [5, 0, 0], [1, 3, 0], [0, 0, 4], [0, 2, 0], [6, 3, 0], [0, 2, 4], [6, 5, 4],
    ]  # fmt: skip


def test_naming_by_hand():
    counts = count_nodes(LEAVES, CHILDREN, KNOWN)
    # One cluster: a. Two: a and c. Three: the last merge but one is undone, 6 + 4 + 2.
    assert by_naming(counts, CHILDREN).tolist() == [0, 6, 10, 12, 14]


def test_going_down_by_hand():
    counts = count_nodes(LEAVES, CHILDREN, KNOWN)
    # Node 4 is a (6 right), node 5 is c (4). Node 4 has 3 wrong: it goes down (nothing is won),
    # leaf 0 keeps a, leaf 1 becomes b (+3 -1). Node 5 has 2 wrong: down, leaf 3 becomes b.
    assert by_going_down(counts, CHILDREN, 2).tolist() == [0, 6, 10, 10, 12, 12, 14]
    # From the root: a, down, its part 5 becomes c.
    assert by_going_down(counts, CHILDREN, 1).tolist() == [0, 6, 6, 10, 10, 12, 12, 14]
    # From the leaves: each is named, and none has parts.
    assert by_going_down(counts, CHILDREN, 4).tolist() == [0, 5, 8, 12, 14]


def test_both_parts_can_be_of_another_kind():
    leaves = np.repeat([0, 1], [5, 5])
    counts = count_nodes(leaves, np.array([[0, 1]]), list("aabbbaaccc"))
    assert by_going_down(counts, np.array([[0, 1]]), 1).tolist() == [0, 4, 4, 5, 6]


def test_a_person_who_sees_a_sheet_may_err():
    counts = count_nodes(LEAVES, CHILDREN, KNOWN)
    assert (
        by_going_down(counts, CHILDREN, 2, 7 * counts).tolist()
        == by_going_down(counts, CHILDREN, 2).tolist()
    )
    sheet = counts.copy()
    sheet[1] = [1, 0, 0]  # leaf 1 shows its only a: it keeps the name
    sheet[5] = [0, 1, 1]  # half of node 5's 6 look wrong, a third of node 4's 9: both are 3
    assert by_going_down(counts, CHILDREN, 2, sheet).tolist() == [0, 6, 8, 8, 8, 12]


def test_pictures_without_a_known_label_are_left_out():
    children = np.array([[0, 1], [2, 3], [5, 6], [4, 7]])  # leaf 4 has no known label
    leaves, known = np.append(LEAVES, [4, 4, 0]), [*KNOWN, None, None, None]
    counts = count_nodes(leaves, children, known)
    assert counts[4].tolist() == [0, 0, 0]
    assert by_going_down(counts, children, 3).tolist() == [0, 6, 10, 10, 12, 12, 14]
    assert by_naming(counts, children).tolist() == [0, 6, 6, 10, 12, 14]


def test_a_single_leaf():
    none = np.empty((0, 2), dtype=int)
    counts = count_nodes(np.zeros(3, dtype=int), none, ["a", "a", "b"])
    assert by_naming(counts, none).tolist() == by_going_down(counts, none, 1).tolist() == [0, 2]


def test_targets():
    right = np.array([0, 6, 10, 12, 14])
    assert decisions_for(right, 15, 0.8) == 3  # exactly 12 of 15
    assert decisions_for(right, 15, 0.81) == 4
    assert decisions_for(right, 15, 0.95) is None
    assert decisions_for(np.array([0, 7]), 10, 0.7) == 1  # 0.7 * 10 is a little more than 7


@st.composite
def trees(draw, kinds=4):
    """Leaves, merges and known labels, some of them absent."""
    count = draw(st.integers(1, 9))
    roots, children = list(range(count)), []
    for i in range(count - 1):
        pair = [roots.pop(draw(st.integers(0, len(roots) - 1))) for _ in range(2)]
        children.append(sorted(pair))
        roots.append(count + i)
    more = draw(st.lists(st.integers(0, count - 1), max_size=40))
    leaves = np.array([*range(count), *more])
    labels = st.sampled_from([*"abcdefg"[:kinds], None])
    known = draw(st.lists(labels, min_size=len(leaves), max_size=len(leaves)))
    known[0] = "a"
    return leaves, np.array(children, dtype=int).reshape(-1, 2), known, draw(st.integers(1, count))


@settings(max_examples=100, deadline=None)
@given(trees())
def test_naming_is_the_purity_of_the_cut(found):
    leaves, children, known, k = found
    tree = ClusterTree(leaves, children, np.zeros(len(children)))
    right = by_naming(count_nodes(leaves, children, known), children)
    there = sum(label is not None for label in known)
    assert right[k] == round(purity(tree.cut(k), known) * there)
    assert (np.diff(right) >= 0).all()


@settings(max_examples=100, deadline=None)
@given(trees())
def test_going_down_grows_to_the_leaves_purity_and_asks_no_more_than_there_is(found):
    leaves, children, known, k = found
    counts = count_nodes(leaves, children, known)
    right, count = by_going_down(counts, children, k), len(children) + 1
    assert (np.diff(right) >= 0).all()
    assert right[-1] == by_naming(counts, children)[-1]
    assert len(right) - 1 <= k + 3 * (count - k)
    # A name covers one kind: d decisions can't be right for more than the d largest kinds.
    kinds = np.sort(counts[-1])[::-1].cumsum()
    assert (right[1:] <= kinds[np.minimum(np.arange(len(right) - 1), len(kinds) - 1)]).all()


@settings(max_examples=100, deadline=None)
@given(trees(kinds=2))
def test_with_two_kinds_a_step_down_takes_two_decisions_at_most(found):
    leaves, children, known, k = found
    right = by_going_down(count_nodes(leaves, children, known), children, k)
    count = len(children) + 1
    assert len(right) - 1 <= k + 2 * (count - k) <= 2 * count


@settings(max_examples=100, deadline=None)
@given(trees(), st.randoms(use_true_random=False))
def test_what_is_not_yet_shown_decides_nothing(found, random):
    """Labels change places inside each group that is named: the same until one has gone down."""
    leaves, children, known, k = found
    clusters = ClusterTree(leaves, children, np.zeros(len(children))).cut(k)
    other = list(known)
    for cluster in range(k):
        rows = np.flatnonzero(clusters == cluster).tolist()
        for row, taken in zip(rows, random.sample(rows, len(rows)), strict=True):
            other[row] = known[taken]
    before, after = (
        by_going_down(count_nodes(leaves, children, labels), children, k)
        for labels in (known, other)
    )
    named = len({c for c, label in zip(clusters, known, strict=True) if label is not None})
    assert before[: named + 1].tolist() == after[: named + 1].tolist()
    assert before[named + 1 : named + 2].tolist() == before[named : named + 1].tolist() * (
        len(before) > named + 1
    )


def test_only_the_group_that_went_down_is_looked_into():
    """The worse group goes down first; what the other one hides changes nothing until then."""
    hidden = list("aaaaaabbbcccbbc")  # node 5 is the same, its leaves are not
    first = by_going_down(count_nodes(LEAVES, CHILDREN, KNOWN), CHILDREN, 2)
    second = by_going_down(count_nodes(LEAVES, CHILDREN, hidden), CHILDREN, 2)
    assert first.tolist() == [0, 6, 10, 10, 12, 12, 14]
    assert second.tolist() == [0, 6, 10, 10, 12, 12]


def test_messages():
    with pytest.raises(InputError) as caught:
        by_going_down(count_nodes(LEAVES, CHILDREN, KNOWN), CHILDREN, 5)
    assert str(caught.value) == (
        "k must be from 1 to 4, the number of leaves; got 5. Pass another k."
    )
    with pytest.raises(InputError) as caught:
        count_nodes(LEAVES, CHILDREN[:1], KNOWN)
    assert str(caught.value) == (
        "leaves must be from 0 to 1 in a tree of 1 merges; got 0 to 3. "
        "Pass leaves and merges of the same tree."
    )
    with pytest.raises(InputError) as caught:
        count_nodes(LEAVES, CHILDREN, KNOWN[1:])
    assert str(caught.value) == (
        "clusters and known labels must be two lists of the same length; got shapes (15,) and "
        "(14,). Pass one known label, or None, for each image."
    )
