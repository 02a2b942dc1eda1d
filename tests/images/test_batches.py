from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pictree.files import LARGE_MAP
from pictree.images.batches import Stacked, batches

LENGTHS = st.lists(st.integers(0, 6), min_size=1, max_size=5).filter(sum)


def parts_of(lengths: list[int]) -> list[np.ndarray]:
    whole = np.arange(sum(lengths) * 2).reshape(-1, 2)
    return np.split(whole, np.cumsum(lengths)[:-1])


@given(LENGTHS, st.data())
def test_stacked_is_concatenation(lengths, data):
    parts = parts_of(lengths)
    plain, stacked = np.concatenate(parts), Stacked(parts)
    n = len(plain)
    assert (len(stacked), stacked.shape, stacked.dtype) == (n, plain.shape, plain.dtype)
    row = st.integers(-n, n - 1)
    one = data.draw(row)
    np.testing.assert_array_equal(stacked[one], plain[one])
    ends = st.none() | st.integers(-n - 2, n + 2)
    step = data.draw(st.sampled_from([None, 1, 2, -1, -3]))
    cut = slice(data.draw(ends), data.draw(ends), step)
    np.testing.assert_array_equal(stacked[cut], plain[cut])
    rows = np.array(data.draw(st.lists(row, max_size=9)), dtype=np.int64)
    np.testing.assert_array_equal(stacked[rows], plain[rows])
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    np.testing.assert_array_equal(stacked[mask], plain[mask])


def test_stacked_reads_memory_maps(tmp_path):
    for i in range(3):
        np.save(tmp_path / f"{i}.npy", np.full((4, 2), i, np.float32))
    stacked = Stacked([np.load(tmp_path / f"{i}.npy", mmap_mode="r") for i in range(3)])
    assert stacked[[0, 4, 11]].tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize("rows", [9, -10, np.array([0, 9]), np.array([True]), np.array([0.5])])
def test_stacked_refuses_other_rows(rows):
    with pytest.raises(IndexError):
        Stacked(parts_of([4, 5]))[rows]


def test_stacked_refuses_unlike_parts():
    with pytest.raises(ValueError, match="parts must be of one shape and dtype"):
        Stacked([np.zeros((2, 3)), np.zeros((2, 4))])
    with pytest.raises(ValueError, match="at least one"):
        Stacked([])


def test_batches():
    assert [rows.tolist() for rows in batches(5, 2)] == [[0, 1], [2, 3], [4]]
    assert [rows.tolist() for rows in batches(np.array([7, 3]), 5)] == [[7, 3]]
    shuffled = np.concatenate(list(batches(100, 7, np.random.default_rng(0))))
    assert sorted(shuffled) == list(range(100))
    assert shuffled.tolist() != list(range(100))
    again = np.concatenate(list(batches(100, 7, np.random.default_rng(0))))
    np.testing.assert_array_equal(again, shuffled)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_large_map_gives_its_memory_back_after_reading(tmp_path):
    file = tmp_path / "large.npy"
    made = np.lib.format.open_memmap(file, "w+", np.uint8, (LARGE_MAP // 2**20, 2**20))
    made[:, 0] = np.arange(len(made))
    made.flush()
    del made
    stacked = Stacked([np.load(file, mmap_mode="r")])
    before = _resident()
    assert stacked[:][:, 0].tolist() == list(range(len(stacked)))
    assert _resident() - before < LARGE_MAP // 2
    assert stacked[3][0] == 3


def _resident() -> int:
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    shared = [line.split()[1] for line in lines if line.startswith(("Shared_Clean", "Private_Cl"))]
    return 1024 * sum(map(int, shared))
