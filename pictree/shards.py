"""The shards of a run: their names, and which images they hold."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SHARD_ROWS = 65_536
_SHARD_BYTES = 1 << 28


def shard_rows_for(bytes_per_image: int) -> int:
    """Return how many inventory rows a shard holds: at most 65,536, and 256 MiB of pixels."""
    return max(1, min(SHARD_ROWS, _SHARD_BYTES // max(1, bytes_per_image)))


def shard_name(kind: str, shard: int) -> str:
    """Return where a shard lies in a run; ``kind`` is a folder, such as ``codes``."""
    is_table = kind in ("images", "added") or kind.endswith("assignments")
    return f"{kind}/{shard:05d}{'.parquet' if is_table else '.npy'}"


def shard_ranges(info: Mapping[str, Any], *, fitted: bool = False) -> list[range]:
    """Return the ids that each shard holds: the fit's, then those of each `pictree add`.

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


def accounted(info: Mapping[str, Any], kind: str, *, fitted: bool = False) -> list[str]:
    """Return the shards of a kind that a run must have; an unfinished add may have left others.

    Parameters
    ----------
    info : mapping
        See `shard_ranges`.
    kind : str
        See `shard_name`.
    fitted : bool
        Leave those of the added pictures out.
    """
    own = len(shard_ranges(info, fitted=True))
    every = own if fitted else len(shard_ranges(info))
    first = own if kind == "added" else 0  # of these, the fit has none
    return [shard_name(kind, shard) for shard in range(first, every)]
