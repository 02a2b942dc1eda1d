"""The tree of many cells: one cell is exact, sums over shards are those of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from pictree.clustering.cells import (
    cell_sums,
    cells_to_search,
    find_cells,
    moved_centres,
    nearest_in_cells,
)
from pictree.clustering.leaves import find_leaves, neighbour_graph
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.wide import leaf_table, over_borders, recall, tree_of_table, wide_tree
from pictree.evaluation.agreement import score
from pictree.neighbors import nearest, principal_axes


@pytest.fixture(scope="module")
def rows(digits: tuple) -> np.ndarray:
    """2,000 digits in 20 numbers."""
    pixels = digits[0][:2000].reshape(2000, -1) / np.float32(255)
    return np.ascontiguousarray((pixels - pixels.mean(axis=0)) @ principal_axes(pixels, 20).T)


def test_sums_by_hand() -> None:
    centres = np.array([[0, 0], [10, 0], [50, 50]], np.float32)
    first = cell_sums(np.array([[1, 0], [9, 2]], np.float32), centres)
    second = cell_sums(np.array([[3, 4]], np.float32), centres)
    assert first[0].tolist() == [[1, 0], [9, 2], [0, 0]]
    assert first[1].tolist() == [1, 1, 0]
    moved = moved_centres(centres, [first, second])
    assert moved.tolist() == [[2, 2], [9, 2], [50, 50]]


def test_cells_are_the_same_from_the_same_shards(rows: np.ndarray) -> None:
    shards = [rows[:700], rows[700:1400], rows[1400:]]
    centres = find_cells(shards, 12, seed=3)
    assert np.array_equal(centres, find_cells(shards, 12, seed=3))
    before = find_cells(shards, 12, steps=0, seed=3)
    assert _spread(rows, centres) < 0.9 * _spread(rows, before)


def _spread(rows: np.ndarray, centres: np.ndarray) -> float:
    return float((nearest(centres, 1, queries=rows)[1] ** 2).mean())


def test_a_cell_is_searched_first_itself() -> None:
    centres = np.array([[0], [1], [3], [10]], np.float32)
    assert cells_to_search(centres, 2).tolist() == [[0, 1], [1, 0], [2, 1], [3, 2]]
    assert cells_to_search(centres, 1).tolist() == [[0], [1], [2], [3]]
    assert cells_to_search(centres, 9).shape == (4, 4)


def test_no_row_is_its_own_neighbour_among_copies() -> None:
    rows = np.zeros((6, 2), np.float32)
    rows[5] = 1
    ids = np.arange(6)
    found = nearest_in_cells(rows, ids, rows, ids, 2)
    assert not (found == ids[:, None]).any()
    assert found.shape == (6, 2)


def test_one_cell_gives_the_exact_tree(rows: np.ndarray) -> None:
    tree, links = wide_tree([rows[:900], rows[900:]], cells=1, neighbours=5, seed=1)
    exact, _ = nearest(rows, 5)
    assert np.array_equal(links, exact)
    graph = neighbour_graph(exact)
    leaves = find_leaves(graph, resolution=2.0, at_least=2, seed=1)
    assert np.array_equal(tree.leaves, leaves)
    children, losses = merge(joint_shares(graph, leaves))
    assert np.array_equal(tree.children, children)
    assert np.allclose(tree.losses, losses, rtol=1e-12)


def test_tables_of_cells_add_up_to_that_of_the_whole(rows: np.ndarray) -> None:
    links = nearest(rows, 5)[0]
    leaves = np.random.default_rng(0).integers(0, 40, len(rows))
    parts = np.array_split(np.random.default_rng(1).permutation(len(rows)), 7)
    tables = [leaf_table(links[part], leaves[part], leaves, 40) for part in parts]
    table = sum(tables, start=sparse.csr_matrix((40, 40)))
    both = (table + table.T).toarray()
    assert np.allclose(both / both.sum(), joint_shares(neighbour_graph(links), leaves), rtol=1e-12)


def test_more_cells_searched_find_more(rows: np.ndarray) -> None:
    exact = nearest(rows, 5)[0]
    found = [recall(wide_tree([rows], cells=16, probes=p)[1], exact) for p in (1, 4, 16)]
    assert found[0] < found[1] < found[2] == 1.0
    assert found[0] < 0.8
    assert found[1] > 0.9


def test_the_tree_of_cells_is_about_as_good_as_that_of_one(rows: np.ndarray, digits: tuple) -> None:
    known = digits[1][:2000].tolist()
    one, many = (wide_tree([rows], cells=c, seed=0)[0] for c in (1, 16))
    assert many.n_leaves > one.n_leaves
    nmi = [score(tree.cut(10), known)["nmi"] for tree in (one, many)]
    assert nmi[1] > nmi[0] - 0.1
    assert min(nmi) > 0.6


def test_a_row_joins_the_leaf_of_most_neighbours() -> None:
    links = np.array([[1, 2, 3], [0, 2, 4], [0, 1, 3], [4, 2, 1], [3, 2, 1]])
    # Row 0 has 5, 6, 6 beside its own 5: 5 and 6 come twice, and 5 is the nearest's.
    assert over_borders(links, np.array([5, 5, 6, 6, 8])).tolist() == [5, 5, 5, 6, 6]


def test_too_many_leaves_are_put_together_first() -> None:
    """1,200 leaves in 3 rings that hardly touch: no leaf has rows of two rings."""
    count, ring = 1200, np.repeat(np.arange(3), 400)
    at = np.arange(count)
    following = ring * 400 + (at - ring * 400 + 1) % 400
    table = sparse.csr_matrix((np.full(count, 10.0), (at, following)), shape=(count, count))
    table = table + sparse.csr_matrix(([1.0, 1.0], ([0, 400], [400, 800])), shape=table.shape)
    tree = tree_of_table(table.tocsr(), at, seed=0)
    assert 3 <= tree.n_leaves <= 500
    assert score(tree.leaves, ring.tolist())["purity"] == 1.0
