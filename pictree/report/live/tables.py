"""Tables that the page saves as CSV."""

from __future__ import annotations

import numpy as np
import polars as pl

from pictree.files import csv_bytes
from pictree.report import added, odd
from pictree.report.gather import Findings
from pictree.report.leaks import leaks_of
from pictree.report.live.near import NearDuplicates
from pictree.report.live.pack import Blob, text
from pictree.report.losses import loss_rows

MOST_ROWS = 1_000
"""Of a ranking, such as the worst restored, this many rows are saved."""
MOST_PAIRS = 10_000
"""Of the pairs that are nearly the same, the most alike are saved."""


def table_blobs(found: Findings, near: NearDuplicates) -> list[Blob]:
    """Return the tables, by ``csv-`` and their name; those without a row are left out."""
    tables = {
        "reconstructions": reconstructions(found),
        "loss": loss(found),
        "duplicates": duplicates(found),
        "near-duplicates": near_duplicates(found, near),
        "leaks": leaks_of(found, near),
        "badly-restored": badly_restored(found),
        "far": far(found),
        "left-out": odd.left_out(found).select("id", "path", "outcome", "reason"),
        "unlike": unlike(found),
    }
    return [
        text(f"csv-{name}", csv_bytes(table).decode())
        for name, table in tables.items()
        if table.height
    ]


def _images(found: Findings, rows: np.ndarray) -> dict[str, list]:
    """Return id, path, cluster and known label of used images."""
    rows = np.asarray(rows, int)
    about = {
        "id": found.ids[rows].tolist(),
        "path": found.paths.gather(rows).to_list(),
        "cluster": found.labels[rows].tolist(),
    }
    if found.known is not None:
        about["known_label"] = [found.known[row] for row in rows]
    return about


def reconstructions(found: Findings) -> pl.DataFrame:
    """Return the kept reconstructions and their errors, best first."""
    kept = found.reconstructions
    if kept is None:
        return pl.DataFrame()
    table = pl.DataFrame({**_images(found, kept["rows"]), "error": kept["errors"].tolist()})
    return table.sort("error", "id")


def loss(found: Findings) -> pl.DataFrame:
    """Return the losses by epoch."""
    names = ("epoch", "loss", "validation_loss")
    return pl.DataFrame([{name: row.get(name) for name in names} for row in loss_rows(found)])


def duplicates(found: Findings) -> pl.DataFrame:
    """Return the files that have the content of another one."""
    paths = found.inventory.select(pl.col("id").alias("duplicate_of"), pl.col("path").alias("of"))
    copies = found.inventory.filter(pl.col("outcome") == "duplicate")
    return copies.select("id", "path", "duplicate_of").join(paths, on="duplicate_of").sort("id")


def near_duplicates(found: Findings, near: NearDuplicates) -> pl.DataFrame:
    """Return the pairs that are nearly the same, the most alike first, at most 10,000."""
    one, other = near.pairs.reshape(-1, 2)[:MOST_PAIRS].T
    return pl.DataFrame(
        {
            "id": found.ids[one].tolist(),
            "path": found.paths.gather(one).to_list(),
            "other_id": found.ids[other].tolist(),
            "other_path": found.paths.gather(other).to_list(),
            "difference": near.differences[:MOST_PAIRS].tolist(),
        }
    )


def badly_restored(found: Findings) -> pl.DataFrame:
    """Return the 1,000 images with the largest reconstruction errors."""
    rows = odd.worst_rows(found, MOST_ROWS)
    errors = [] if found.errors is None else found.errors[rows].tolist()
    return pl.DataFrame({**_images(found, rows), "error": errors})


def far(found: Findings) -> pl.DataFrame:
    """Return the 1,000 images that lie farthest from their cluster's centre."""
    rows, times = odd.far_rows(found, MOST_ROWS)
    return pl.DataFrame({**_images(found, rows), "times_the_median_distance": times.tolist()})


def unlike(found: Findings) -> pl.DataFrame:
    """Return the added images that are unlike anything in the fit, the oddest first."""
    table = added.unlike_rows(found)
    rows = np.searchsorted(found.ids, table["id"].to_numpy())
    return pl.DataFrame({**_images(found, rows), "distance": table["distance"].to_list()})
