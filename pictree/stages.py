"""The stages of a fit: which has ended, and what files each leaves behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pictree.errors import RunError
from pictree.shards import shard_name

_NAME = re.compile("[a-z0-9-]+")


def refuse_names(info: Mapping[str, Any], run: Path) -> None:
    """Refuse a run.json whose names of clusters and maps, which files are called by, lead outside.

    Raises
    ------
    RunError
    """
    names = [info.get("clusters", "-"), info.get("instant", "-"), *info.get("maps", [])]
    odd = [name for name in names if not isinstance(name, str) or not _NAME.fullmatch(name)]
    if odd:
        raise RunError(
            "A run's clusters and maps must have names of small letters, digits and hyphens",
            got=f"{odd[0]!r:.80} in {run / 'run.json'}",
            do="Restore that file from a copy",
        )


def has_ended(info: Mapping[str, Any], stage: str) -> bool:
    """Tell whether run.json says that a stage has ended."""
    return info["stages"].get(stage, {}).get("state") == "done"


def files_of(stage: str, info: Mapping[str, Any]) -> list[str]:
    """Return the files that a stage leaves behind.

    Parameters
    ----------
    stage : str
    info : mapping
        What run.json says.

    Returns
    -------
    list of str
        Relative to the run. What not every run has, such as decoded centres, is left out.
    """
    shards = range(-(-info["items"] // info["shard_rows"]))
    name = info.get("clusters", "")
    grouping = "adopt" if "instant" in info else "group"  # what was learned took its place
    sharded = {
        "stock": ["images", "pixels"],
        "encode": ["codes", "errors"],
        "codes": ["codes"],
        "features": ["codes"],
        grouping: [f"clusters/{name}/assignments"],
    }
    single = {
        "stock": ["problems.csv"],
        "learn": ["model/encoder.safetensors", "model/decoder.safetensors", "log.jsonl"],
        "encode": ["reconstructions.npz"],
        grouping: [f"clusters/{name}/{file}" for file in ("model.npz", "clusters.csv")],
        "judge": ["metrics.json"],
        "judge again": ["metrics.json"],
        "maps": [f"maps/{method}.npy" for method in info.get("maps", [])],
    }
    files = [shard_name(kind, shard) for kind in sharded.get(stage, []) for shard in shards]
    return files + single.get(stage, [])
