"""Two runs side by side: their figures, and how far their clusters agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl

from pictree.errors import RunError
from pictree.evaluation.agreement import score
from pictree.store import Run

_FIGURES = ("recipe", "used", "k", "silhouette", "agreement", "loss", "validation_loss")


def compare(first: str | Path, second: str | Path) -> dict[str, Any]:
    """Compare two finished runs.

    Parameters
    ----------
    first, second : path-like
        Run folders. Their images are matched by content (SHA-256), not by path.

    Returns
    -------
    dict
        figures (name to a pair of values), shared (images in both) and, where there are some,
        ari, nmi, moved (share of the shared images outside the best one-to-one match of the
        clusters).

    Raises
    ------
    RunError
        If one is no finished run.
    """
    runs = [Run.open(first), Run.open(second)]
    figures = [_figures(run) for run in runs]
    tables = [_clusters_by_content(run) for run in runs]
    both = tables[0].join(tables[1], on="sha256", suffix="_second").sort("sha256")
    found: dict[str, Any] = {
        "figures": {key: [f.get(key) for f in figures] for key in figures[0] | figures[1]},
        "shared": len(both),
    }
    if len(both):
        agreed = score(both["cluster"].to_numpy(), both["cluster_second"].to_list())
        found |= {"ari": agreed["ari"], "nmi": agreed["nmi"], "moved": 1 - agreed["acc"]}
    return found


def _figures(run: Run) -> dict[str, Any]:
    if not run.done("judge"):
        raise RunError(
            "both runs must be finished",
            got=f"{run.path}, which is not",
            do="Finish it: the same `pictree fit` command with --resume",
        )
    metrics, info = run.metrics, run.info
    found = {key: metrics.get(key, info.get(key)) for key in _FIGURES}
    if info.get("codes"):
        found["codes"] = info["codes"]["file"]
    if info.get("features"):
        found["features"] = info["features"]["network"]
    found |= metrics["scores"] or {}
    return found | {"seconds": round(sum(s["seconds"] for s in info["stages"].values()), 1)}


def _clusters_by_content(run: Run) -> pl.DataFrame:
    table = run.used().select("id", "sha256").join(run.assignments(), on="id")
    return table.select("sha256", "cluster")
