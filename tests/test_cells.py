from __future__ import annotations

import numpy as np

from pictree.cells import nearest_in_cells
from pictree.neighbors import nearest


def blobs(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(30, 12))
    return (centres[rng.integers(0, 30, n)] + rng.normal(size=(n, 12)) / 3).astype(np.float32)


def recall(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)]))


def test_cells_hold_nearly_all_neighbours_and_no_row_is_its_own():
    rows = blobs(6_000)
    found, distances = nearest_in_cells(rows, 10)
    true, _ = nearest(rows, 10)
    assert recall(found, true) >= 0.99
    assert not (found == np.arange(len(rows))[:, None]).any()
    measured = np.linalg.norm(rows[found] - rows[:, None], axis=2)
    np.testing.assert_allclose(distances, measured, rtol=1e-4, atol=1e-4)
    assert (np.diff(distances, axis=1) >= 0).all()


def test_queries_are_sought_among_the_rows():
    rows, queries = blobs(5_000), blobs(300, seed=0)[:200] + np.float32(0.01)
    found, _ = nearest_in_cells(rows, 5, queries)
    assert recall(found, nearest(rows, 5, queries)[0]) >= 0.98


def test_one_seed_gives_the_same_neighbours():
    rows = blobs(2_000)
    one, two = (nearest_in_cells(rows, 3, seed=4) for _ in range(2))
    assert np.array_equal(one[0], two[0])
    assert np.array_equal(one[1], two[1])


def test_copies_are_each_others_neighbours():
    rows = np.repeat(blobs(40), 30, axis=0)
    found, distances = nearest_in_cells(rows, 5)
    assert not distances.any()
    assert (found // 30 == np.arange(len(rows))[:, None] // 30).all()


def test_cells_with_too_few_rows_are_made_up_for():
    rows = np.concatenate([blobs(40), np.float32(1e3) + blobs(2)])
    found, _ = nearest_in_cells(rows, 20)
    assert all(len(set(row)) == 20 for row in found.tolist())
