"""Which images the shards of a run hold: the fit's, then those of each `pictree add`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pictree.errors import RunError

SHARD_ROWS = 65_536
_SHARD_BYTES = 1 << 28


def shard_rows_for(bytes_per_image: int) -> int:
    """Return how many inventory rows a shard holds: at most 65,536, and 256 MiB of pixels."""
    return max(1, min(SHARD_ROWS, _SHARD_BYTES // max(1, bytes_per_image)))


def shard_ranges(info: Mapping[str, Any], *, fitted: bool = False) -> list[range]:
    """Return the ids that each shard holds, in the shards' order.

    Parameters
    ----------
    info : mapping
        run.json: ``items`` and ``shard_rows`` of the fit and, where pictures were added since,
        of each entry of ``added``.
    fitted : bool
        Leave the added pictures out.
    """
    ranges: list[range] = []
    for pile in [info, *([] if fitted else info.get("added", []))]:
        first = ranges[-1].stop if ranges else 0
        ends = range(first, first + pile["items"], pile["shard_rows"])
        ranges += [range(at, min(at + pile["shard_rows"], first + pile["items"])) for at in ends]
    return ranges


def accounted(
    files: Sequence[Path], info: Mapping[str, Any], *, fitted: bool = False
) -> list[Path]:
    """Return the shard files that run.json accounts for; an unfinished add may have left others.

    Raises
    ------
    RunError
        If a shard is gone, while others of its kind are there.
    """
    every = len(shard_ranges(info, fitted=fitted))
    there = {int(file.stem): file for file in files if int(file.stem) < every}
    is_added = bool(files) and files[0].parent.name == "added"  # of these, the fit has none
    first = len(shard_ranges(info, fitted=True)) if is_added else 0
    lost = sorted(set(range(first, every)) - set(there))
    if lost and files:
        raise RunError(
            "The pictures of a run must all be there",
            got=f"no {files[0].with_stem(f'{lost[0]:05d}')}",
            do="Restore it from a copy, or fit again with all the pictures",
        )
    return list(there.values())
