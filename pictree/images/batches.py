"""Several memory-mapped shards as one array, and batches of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from pictree.files import let_go


class Stacked:
    """Arrays (n_i, ...) one after another as if they were one; nothing is copied.

    Parameters
    ----------
    parts : sequence of ndarray
        At least one; all of one dtype and, but for the first axis, one shape.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    ndim : int
    """

    def __init__(self, parts: Sequence[np.ndarray]) -> None:
        kinds = {(part.shape[1:], part.dtype) for part in parts}
        if len(kinds) != 1:
            raise ValueError(f"parts must be of one shape and dtype, at least one; got {kinds}")
        self._parts = list(parts)
        self._ends = np.cumsum([len(part) for part in parts])
        self.shape = (int(self._ends[-1]), *parts[0].shape[1:])
        self.dtype, self.ndim = parts[0].dtype, parts[0].ndim

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> np.ndarray:
        """Return one row (int), or an array of rows (slice, array of int or bool)."""
        if isinstance(rows, (int, np.integer)):
            return self._gather(self._checked(np.asarray([rows])))[0]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._cut(start, max(start, stop))
            return self._gather(np.arange(start, stop, step))
        rows = np.asarray(rows)
        if rows.dtype == bool:
            if rows.shape != (len(self),):
                raise IndexError(f"a mask of {len(self)} rows is needed; got shape {rows.shape}")
            rows = np.flatnonzero(rows)
        return self._gather(self._checked(rows))

    def _checked(self, rows: np.ndarray) -> np.ndarray:
        if rows.size == 0:
            return rows.astype(np.int64)
        if rows.ndim != 1 or rows.dtype.kind not in "iu":
            raise IndexError(f"rows are one axis of integers; got {rows.ndim} of {rows.dtype}")
        if rows.min() < -len(self) or rows.max() >= len(self):
            raise IndexError(f"row out of range for {len(self)} rows")
        return np.where(rows < 0, rows + len(self), rows).astype(np.int64)

    # What was read is copied, and large maps are let go one by one: a million images take 4 GB.

    def _cut(self, start: int, stop: int) -> np.ndarray:
        out, begin = np.empty((stop - start, *self.shape[1:]), self.dtype), 0
        for part, end in zip(self._parts, self._ends.tolist(), strict=True):
            if start < end and stop > begin:
                first, last = max(start, begin), min(stop, end)
                out[first - start : last - start] = part[first - begin : last - begin]
                let_go(part)
            begin = end
        return out

    def _gather(self, rows: np.ndarray) -> np.ndarray:
        out = np.empty((len(rows), *self.shape[1:]), self.dtype)
        owner = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(owner):
            mine = owner == number
            begin = self._ends[number] - len(self._parts[number])
            out[mine] = self._parts[number][rows[mine] - begin]
            let_go(self._parts[number])
        return out


def batches(
    rows: int | np.ndarray, size: int, rng: np.random.Generator | None = None
) -> Iterator[np.ndarray]:
    """Yield arrays of row numbers, `size` at a time; the last may be smaller.

    Parameters
    ----------
    rows : int or ndarray of int
        All of 0 … n - 1, or these.
    size : int
        At least 1.
    rng : numpy.random.Generator, optional
        Shuffles the rows. Default: in order.
    """
    chosen = np.arange(rows) if isinstance(rows, (int, np.integer)) else np.asarray(rows)
    if rng is not None:
        chosen = rng.permutation(chosen)
    for start in range(0, len(chosen), size):
        yield chosen[start : start + size]
