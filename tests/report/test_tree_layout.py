"""The drawing of the tree: places worked out by hand, and what must hold of every tree."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_runs import chain_tree

from pictree.clustering.tree import ClusterTree
from pictree.report.tree_examples import examples, members
from pictree.report.tree_layout import BAND, LINE, STEP, Spot, kept, spots, top_of


def pairs_of_pairs() -> ClusterTree:
    """Leaves 0 to 3 of 5, 4, 3 and 2 rows: 4 = 0 + 1, 5 = 2 + 3, 6 = all."""
    leaves = np.repeat([0, 1, 2, 3], [5, 4, 3, 2]).astype(np.int32)
    children = np.array([[0, 1], [2, 3], [4, 5]], np.int32)
    return ClusterTree(leaves, children, np.array([0.1, 0.2, 0.7]))


def test_what_a_cut_keeps_is_the_sum_of_the_merges_that_it_undoes() -> None:
    assert kept(pairs_of_pairs()) == pytest.approx([0, 0.7, 0.9, 1.0])
    assert kept(chain_tree(6, 3, losses=0.0)).tolist() == [0, 0, 0]


def test_a_small_tree_by_hand() -> None:
    found = spots(pairs_of_pairs(), 4)
    assert list(found) == [6, 4, 0, 1, 5, 2, 3]  # the bigger of two pairs above
    assert [found[tip].y / LINE for tip in (0, 1, 2, 3)] == [0.5, 1.5, 2.5, 3.5]
    assert [found[node].y / LINE for node in (4, 5, 6)] == [1, 3, 2]
    # The second merge lies where 0.7 is lost, the first where 0.9 is: 590 - 2 * 46 = 498 wide.
    scale = (590 - 2 * STEP) / 0.9
    assert found[6].x == 0
    assert found[5].x == pytest.approx(STEP + 0.7 * scale, abs=0.1)
    assert found[4].x == pytest.approx(STEP + 0.9 * scale, abs=0.1)
    assert {found[tip].x for tip in range(4)} == {found[4].x + STEP}
    # To the right of the root's pictures nothing is in the way but the tips' column.
    assert found[6].room == found[0].x
    assert (found[6].parent, found[4].parent, found[3].parent) == (-1, 6, 5)


def test_a_chain_goes_down_to_the_right() -> None:
    found = spots(chain_tree(80, 20), 20)
    inner = [spot for spot in found.values() if spot.children]
    assert len(inner) == 19
    assert all(b.x >= a.x + STEP and b.y > a.y for a, b in pairwise(inner))


@pytest.mark.parametrize(("k", "tips"), [(1, 12), (2, 12), (7, 21), (12, 36), (40, 36)])
def test_three_tips_for_each_cluster_within_limits(k: int, tips: int) -> None:
    assert len(top_of(chain_tree(200, 50), k).tips) == tips


def test_all_leaves_are_tips_where_there_are_few() -> None:
    assert len(top_of(chain_tree(10, 5), 5).tips) == 5


def test_tips_above_the_cut_hold_several_clusters() -> None:
    top = top_of(chain_tree(200, 50), 40)
    above = [tip.node for tip in top.tips if top.owner[tip.node] < 0]
    own = {top.owner[tip.node] for tip in top.tips} - {-1}
    held = [cluster for tip in above for cluster in top.clusters_in(tip)]
    assert len(above) == 1
    assert len(held) == 5
    assert own | set(held) == set(range(40))


@st.composite
def trees(draw: st.DrawFn) -> ClusterTree:
    count = draw(st.integers(2, 50))
    rng = np.random.default_rng(draw(st.integers(0, 1_000)))
    chained = draw(st.booleans())
    free, children = list(range(count)), []
    for node in range(count, 2 * count - 1):
        pair = [free.pop(-1 if chained and i == 0 else rng.integers(len(free))) for i in (0, 1)]
        children.append(pair)
        free.append(node)
    leaves = np.append(np.arange(count), rng.integers(0, count, 3 * count)).astype(np.int32)
    losses = rng.random(count - 1) ** 4 * draw(st.sampled_from([0.0, 1.0]))
    return ClusterTree(leaves, np.array(children, np.int32), losses)


def box(spot: Spot) -> tuple[float, float, float, float]:
    """Ground that a node may draw on: one step, or its room."""
    return spot.x + 1, spot.y - BAND, spot.x + spot.room - 1, spot.y + BAND


def meets(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@settings(max_examples=60, deadline=None)
@given(trees(), st.integers(1, 50))
def test_nothing_of_any_tree_overlaps(tree: ClusterTree, k: int) -> None:
    top = top_of(tree, min(k, tree.n_leaves))
    inner = [spot for spot in top.spots.values() if spot.children]
    assert min(spot.room for spot in inner) >= STEP - 0.2
    assert not any(meets(box(a), box(b)) for a, b in combinations(inner, 2))
    upright = [(s.x, top.spots[s.children[0]].y, s.x, top.spots[s.children[1]].y) for s in inner]
    level = [(top.spots[s.parent].x, s.y, s.x, s.y) for s in top.spots.values() if s.parent >= 0]
    assert not any(meets(box(spot), line) for spot in inner for line in upright + level)
    assert sorted(tip.y for tip in top.tips) == [(i + 0.5) * LINE for i in range(len(top.tips))]


@settings(max_examples=60, deadline=None)
@given(trees(), st.integers(1, 50))
def test_colours_are_those_of_the_cut(tree: ClusterTree, k: int) -> None:
    k = min(k, tree.n_leaves)
    top, labels = top_of(tree, k), tree.cut(k)
    for node, rows in members(top).items():
        held = np.unique(labels[rows]).tolist()
        assert len(rows) == tree.sizes[node]
        if top.owner[node] >= 0:
            assert held == [top.owner[node]]
        elif not top.spots[node].children:
            assert held == top.clusters_in(node)
        assert (top.owner[node] < 0) == (len(held) > 1)


def test_examples_are_the_nearest_to_the_mean_then_the_least_alike() -> None:
    """Mean 5: the seven nearest are 2 to 8, of which 2 and 8 are the least like 5."""
    codes = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 14])[:, None].astype(float)
    assert examples(codes, 3) == [5, 2, 8]
    assert examples(codes[:2], 6) == [0, 1]
    assert examples(np.zeros((4, 3)), 2) == [0, 1]


def test_a_thousand_images_at_most_stand_for_a_node() -> None:
    top = top_of(chain_tree(5_000, 3), 2)
    assert max(len(rows) for rows in members(top).values()) == 1_000
