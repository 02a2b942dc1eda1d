"""Values survive the way to pixels and back; results find their way to the rows of X."""

from __future__ import annotations

import numpy as np
import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pictree.estimators.rows import Images, InputFormat

FLOATS = st.floats(-(2.0**100), 2.0**100, width=32)


@given(arrays(np.float32, (3, 6), elements=FLOATS))
@example(np.eye(3, 6, dtype=np.float32) * np.float32(1e-45))  # half of it is 0
def test_values_come_back_in_their_units(rows: np.ndarray) -> None:
    low, high = float(rows.min()), float(rows.max())
    fmt = InputFormat((2, 3, 1), (6,), low, high, True)
    pixels = fmt.to_pixels(rows)
    assert pixels.dtype == np.float32
    assert pixels.shape == (3, 2, 3, 1)
    assert (pixels >= 0).all()
    assert (pixels <= 1).all()
    back = fmt.to_rows(pixels)
    assert back.shape == rows.shape
    scale = max(abs(low), abs(high), 1e-30)
    np.testing.assert_allclose(back, rows, rtol=0, atol=2e-6 * scale)


@given(arrays(np.uint8, (4, 5)))
def test_bytes_are_taken_as_they_are(rows: np.ndarray) -> None:
    fmt = InputFormat((1, 5, 1), (5,), 0, 255, True)
    assert np.shares_memory(fmt.to_pixels(rows), rows)
    assert fmt.to_pixels(rows.astype(np.float64)).dtype == np.float32
    np.testing.assert_allclose(fmt.to_pixels(rows / 1.0), fmt.to_pixels(rows) / 255, atol=1e-7)


def test_rows_of_duplicates_and_unusable_files_by_hand() -> None:
    outcomes = pl.DataFrame(
        {
            "id": [0, 1, 2, 3, 4],
            "outcome": ["unreadable", "used", "duplicate", "used", "duplicate"],
            "duplicate_of": [None, None, 1, None, 3],
        },
        schema={"id": pl.UInt32, "outcome": pl.String, "duplicate_of": pl.UInt32},
    )
    images = Images(np.empty((2, 1, 1, 1)), outcomes)
    assert images.per_row(np.array([7, 9]), -1).tolist() == [-1, 7, 7, 9, 9]
    codes = images.per_row(np.array([[1.0, 2.0], [3.0, 4.0]]), np.nan)
    assert codes[1:].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert np.isnan(codes[0]).all()


def test_rows_of_an_array_stay() -> None:
    values = np.array([4, 5])
    assert Images(np.empty((2, 1, 1, 1))).per_row(values, -1) is values
