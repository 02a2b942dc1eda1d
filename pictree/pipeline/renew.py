"""What is made from the whole run, made again when pictures were added to it."""

from __future__ import annotations

import numpy as np

from pictree.files import csv_bytes, write_bytes
from pictree.images.inventory import problems
from pictree.pipeline import judge
from pictree.pipeline.group import write_clusters_csv
from pictree.reading import open_array
from pictree.report.page import write_report
from pictree.store import Run

_PLACING = 3
"""Nearest images of the fit between which an added one lies on a map."""


def renew(run: Run) -> None:
    """Bring maps, tables for people, counts, pictures and report up to date, then the manifest.

    Parameters
    ----------
    run : Run
        Whose run.json lists the added pictures. Doing it twice changes nothing.
    """
    _extend_maps(run)
    write_bytes(run.path / "problems.csv", csv_bytes(problems(run.inventory())))
    for name in run.clusterings():
        write_clusters_csv(run, name)
    run.write_metrics(judge.renewed(run))
    for pattern in ("map-*.png", "cluster-*.png", "atlas-*"):
        for picture in sorted((run.path / "pictures").glob(pattern)):
            picture.unlink()
    write_report(run)
    run.write_manifest()


def _extend_maps(run: Run) -> None:
    """Give the added images places on each map: in the middle of the nearest of the fit."""
    fitted, added = run.fitted().used()["id"].to_numpy(), run.table("added")
    near = run.used().select("id").join(added, on="id").sort("id")["neighbors"]
    width = min(_PLACING, len(fitted))
    rows = np.searchsorted(fitted, near.list.head(width).list.to_array(width).to_numpy())
    for method in run.info["maps"]:
        points = np.asarray(open_array(run.map_file(method)))
        missing = rows[len(points) - len(fitted) :]
        if len(missing):
            # The median: with the mean, one neighbour of another kind draws it into the void.
            places = np.median(points[missing], axis=1).astype(np.float32)
            run.write_map(method, np.concatenate([points, places]))
