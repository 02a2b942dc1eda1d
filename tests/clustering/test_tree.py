from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictree.clustering.tree import ClusterTree
from pictree.errors import InputError

# leaves 0..3 of sizes 1, 2, 3, 1; 4 = 0 + 3, 5 = 1 + 4, 6 = 2 + 5
TREE = ClusterTree(
    np.array([2, 1, 2, 0, 1, 3, 2], dtype=np.int32),
    np.array([[0, 3], [1, 4], [2, 5]], dtype=np.int32),
    np.array([0.1, 0.3, 0.2]),
)


def random_tree(count, seed):
    rng = np.random.default_rng(seed)
    alive, children = list(range(count)), []
    for i in range(count - 1):
        a, b = sorted(rng.choice(len(alive), 2, replace=False))
        children.append(sorted((alive[a], alive[b])))
        del alive[b], alive[a]
        alive.append(count + i)
    leaves = rng.permutation(np.concatenate([np.arange(count), rng.integers(0, count, 30)]))
    return ClusterTree(
        leaves.astype(np.int32),
        np.array(children, dtype=np.int32).reshape(-1, 2),
        rng.random(count - 1),
    )


def test_by_hand():
    assert TREE.n_leaves == 4
    np.testing.assert_array_equal(TREE.sizes, [1, 2, 3, 1, 2, 4, 7])
    np.testing.assert_array_equal(TREE.parents, [4, 5, 6, 4, 5, 6, -1])
    assert TREE.path(3) == [3, 4, 5, 6]
    np.testing.assert_array_equal(TREE.cut(1), [0] * 7)
    np.testing.assert_array_equal(TREE.cut(2), [1, 0, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(TREE.cut(3), [0, 1, 0, 2, 1, 2, 0])
    np.testing.assert_array_equal(TREE.cut(4), [0, 1, 0, 2, 1, 3, 0])
    np.testing.assert_array_equal(TREE.nodes_of_cut(3), [2, 1, 4])
    np.testing.assert_array_equal(TREE.nodes_of_cut(1), [6])


@given(st.integers(1, 15), st.integers(0, 1000))
def test_every_cut_has_exactly_k_parts_inside_the_cut_before(count, seed):
    tree = random_tree(count, seed)
    for k in range(1, count + 1):
        parts = tree.cut(k)
        sizes = np.bincount(parts)
        assert len(sizes) == k
        assert (sizes > 0).all()
        assert (np.diff(sizes) <= 0).all()
        np.testing.assert_array_equal(tree.sizes[tree.nodes_of_cut(k)], sizes)
        coarser = tree.cut(max(k - 1, 1))
        assert len(np.unique(np.column_stack([parts, coarser]), axis=0)) == k


def test_saved_and_opened():
    file = io.BytesIO()
    np.savez(file, **TREE.to_arrays())
    file.seek(0)
    again = ClusterTree.from_arrays(np.load(file, allow_pickle=False))
    np.testing.assert_array_equal(again.cut(3), TREE.cut(3))
    np.testing.assert_array_equal(again.losses, TREE.losses)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("children", [[0, 3], [1, 4], [2, 2]]),
        ("children", [[0, 6], [1, 4], [2, 5]]),
        ("leaves", [0, 1, 2, 2]),
        ("losses", [1.0]),
    ],
)
def test_arrays_that_are_no_tree_are_refused(name, values):
    with pytest.raises(InputError) as caught:
        ClusterTree.from_arrays({**TREE.to_arrays(), name: np.array(values)})
    assert str(caught.value) == (
        "the arrays must be a tree; got others. Make the tree again from the codes."
    )


def test_k_and_node_out_of_range():
    with pytest.raises(InputError) as caught:
        TREE.cut(5)
    assert str(caught.value) == (
        "k must be from 1 to 4, the number of leaves; got 5. Pass another k."
    )
    with pytest.raises(InputError) as caught:
        TREE.path(7)
    assert str(caught.value) == "the node must be from 0 to 6; got 7. Pass one of the tree's."


@given(st.integers(1, 15), st.integers(0, 1000), st.integers(1, 20))
def test_a_coarser_tree_has_the_same_cuts(count, seed, n_leaves):
    tree = random_tree(count, seed)
    coarse = tree.coarsened(n_leaves)
    assert coarse.n_leaves == min(n_leaves, count)
    ClusterTree.from_arrays(coarse.to_arrays())
    for k in range(1, coarse.n_leaves + 1):
        np.testing.assert_array_equal(coarse.cut(k), tree.cut(k))


def test_a_coarser_tree_by_hand():
    coarse = TREE.coarsened(3)  # 0 = leaf 1, 1 = leaf 2, 2 = leaves 0 and 3
    np.testing.assert_array_equal(coarse.leaves, [1, 0, 1, 2, 0, 2, 1])
    np.testing.assert_array_equal(coarse.children, [[0, 2], [1, 3]])
    np.testing.assert_array_equal(coarse.losses, [0.3, 0.2])
