"""Several sources as one."""

from __future__ import annotations

import bisect
import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

import numpy as np

from pictree.errors import SourceError
from pictree.images.addresses import common_address, is_address
from pictree.images.base import Raw, Source, printable


class CompositeSource(Source):
    """Several sources, one after another.

    Attributes
    ----------
    parts : list of Source
    starts : list of int
        The first item of each part, and at the end the number of items.
    """

    kind = "several"

    def __init__(self, parts: list[Source]) -> None:
        self.parts = parts
        self.starts = [0, *accumulate(len(part) for part in parts)]
        self.in_order = any(part.in_order for part in parts)
        folders = [part.folder for part in parts if part.folder]
        common = common_folder(folders)
        prefixes = [_prefix(part.folder, common) for part in parts]
        paths = ChainedPaths([part.paths for part in parts], prefixes, self.starts)
        super().__init__(f"{len(parts)} sources", common, common, paths)
        self.value_range = _joint_range(parts)

    def locate(self, i: int) -> tuple[int, int]:
        """Return (part, item in that part) of item `i`."""
        part = bisect.bisect_right(self.starts, i) - 1
        return part, i - self.starts[part]

    def read(self, i: int) -> bytes | np.ndarray:
        """Return item `i` of all; see `Source.read`."""
        part, item = self.locate(i)
        return self.parts[part].read(item)

    def read_each(self, items: Iterable[int]) -> Iterator[Raw]:
        """Read each part's items by its own way; see `Source.read_each`."""
        for part, located in groupby(map(self.locate, items), key=itemgetter(0)):
            yield from self.parts[part].read_each(item for _, item in located)

    def block(self, rows: range) -> np.ndarray | None:
        """Return the rows where every part has them as arrays of one shape and type."""
        blocks = []
        for part, start in zip(self.parts, self.starts, strict=False):
            inside = range(max(rows.start - start, 0), min(rows.stop - start, len(part)))
            if len(inside):
                blocks.append(part.block(inside))
        if any(block is None for block in blocks):
            return None
        alike = {(block.shape[1:], block.dtype) for block in blocks if block is not None}
        return np.concatenate(blocks) if len(alike) == 1 else None  # type: ignore[arg-type]

    def describe(self) -> dict[str, Any]:
        """Return what run.json keeps, with that of each part."""
        return super().describe() | {"parts": [part.describe() for part in self.parts]}


class ChainedPaths(Sequence[str]):
    """Paths of several sources as one sequence; nothing is copied."""

    def __init__(self, parts: list[Sequence[str]], prefixes: list[str], starts: list[int]) -> None:
        self._parts, self._prefixes, self._starts = parts, prefixes, starts

    def __len__(self) -> int:
        return self._starts[-1]

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(len(self)))]
        i = i + len(self) if i < 0 else i
        if not 0 <= i < len(self):
            raise IndexError(i)
        part = bisect.bisect_right(self._starts, i) - 1
        return self._prefixes[part] + self._parts[part][i - self._starts[part]]


def common_folder(folders: Sequence[str]) -> str:
    """Return the folder, or the address, that all are in; "" where there is none."""
    addresses = [folder for folder in folders if is_address(folder)]
    if not folders or 0 < len(addresses) < len(folders):
        return ""
    return common_address(folders) if addresses else os.path.commonpath(folders)


def _prefix(folder: str, common: str) -> str:
    if not folder or folder == common:
        return ""
    if not common or is_address(folder):
        return printable(folder.removeprefix(common).lstrip("/" if common else "")) + "/"
    return printable(os.path.relpath(folder, common)).replace(os.sep, "/") + "/"


def _joint_range(parts: list[Source]) -> tuple[float, float] | None:
    """One range for all arrays, so that equal values get equal grey."""
    ranges = [part.value_range for part in parts if part.value_range is not None]
    kinds = {part.dtype.name for part in parts if hasattr(part, "dtype")}
    if len(kinds) > 1:
        raise SourceError(
            "arrays given together must have one pixel type",
            got=" and ".join(sorted(kinds)),
            do="Convert them to one type",
        )
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)
