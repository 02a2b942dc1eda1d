"""The stages of a fit: which has ended, and what files each leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pictree.shards import shard_name


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
