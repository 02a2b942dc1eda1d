"""Stage 4: codes to clusters; the clusters' tables and decoded centres."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import polars as pl

from pictree.clustering.find import find_clusters
from pictree.clustering.flat import FlatClusters
from pictree.clustering.instant import Start
from pictree.device import Device
from pictree.files import csv_bytes, write_atomic, write_bytes
from pictree.images.batches import Stacked, batches
from pictree.neighbors import nearest
from pictree.networks import inference, weights
from pictree.pipeline.learn import splits, to_uint8
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run

_BATCH = 8_192
_CALIBRATION = 2_000
UNKNOWN_SHARE = 0.005
"""Share of the run's own images that the limit of "unknown" would call unknown."""


def group(run: Run, recipe: Recipe, device: Device, seed: int, progress: Progress) -> Start | None:
    """Fit the clusters on the images that the recipe names, and assign all images.

    Writes clusters/NAME/, tree.npz for a tree and, in run.json, ``clusters`` (NAME), ``k``,
    ``k_shortlist``, ``clustered``, ``agreement`` and ``unknown_distance``. Returns what rounds of
    learning can begin with: a tree's alone.
    """
    codes, part = run.array("codes"), recipe.clustering
    cluster_seed = seed if part.seed is None else part.seed
    rows, clustered = rows_to_cluster(run, recipe)
    if clustered != recipe.images.cluster == "validation":
        progress.say(f"no {recipe.images.cluster} pictures given: all are clustered")
    progress.start("clustering", 2)
    found = find_clusters(
        codes[rows],
        part.method,
        part.k,
        starts=part.starts,
        standardise=part.standardise,
        seed=cluster_seed,
    )
    progress.advance()
    clusters = found.clusters
    if found.tree is not None and recipe.learning:  # they stay beside the learned tree's
        clusters = replace(clusters, method="instant")
    name = write_clusters(run, clusters, rows)
    if run.info.get("codes") is None:  # only our own network can draw them
        write_centres(run, name, clusters, device)
    if found.tree is not None and found.confidence is not None:
        arrays = found.tree.to_arrays() | {"rows": rows, "confidence": found.confidence}
        run.write_arrays("tree.npz", arrays)
    run.update(
        clusters=name,
        k=found.clusters.n_clusters,
        k_shortlist=[asdict(candidate) for candidate in found.shortlist],
        clustered=clustered,
        agreement=found.agreement,
        unknown_distance=unknown_distance(codes, cluster_seed),
    )
    progress.close()
    return found.start


def write_clusters(run: Run, clusters: FlatClusters, rows: np.ndarray) -> str:
    """Write clusters/NAME/ without the decoded centres, and return NAME.

    Parameters
    ----------
    run : Run
    clusters : FlatClusters
        Fitted on `rows`; the other used images are predicted.
    rows : int array
        Rows of the used images.
    """
    codes, name = run.array("codes"), f"{clusters.method}-{clusters.n_clusters}"
    run.write_arrays(f"clusters/{name}/model.npz", clusters.to_arrays())
    _write_tables(run, name, clusters, _all_labels(clusters, codes, rows), codes)
    return name


def rows_to_cluster(run: Run, recipe: Recipe) -> tuple[np.ndarray, str]:
    """Return the rows that the clusters are fitted on, and which split they are.

    All, where the recipe asks for a split that has no images.
    """
    train_rows, validation_rows = splits(run)
    chosen = {"train": train_rows, "validation": validation_rows}.get(recipe.images.cluster)
    if chosen is None or len(chosen) == 0:
        return np.arange(len(train_rows) + len(validation_rows)), "all"
    return chosen, recipe.images.cluster if len(validation_rows) else "all"


def _all_labels(clusters: FlatClusters, codes: Stacked, rows: np.ndarray) -> np.ndarray:
    labels = np.empty(len(codes), np.int32)
    others = np.setdiff1d(np.arange(len(codes)), rows, assume_unique=True)
    labels[rows] = clusters.labels
    for part in batches(others, _BATCH):
        labels[part] = clusters.predict(codes[part])
    return labels


def _write_tables(
    run: Run, name: str, clusters: FlatClusters, labels: np.ndarray, codes: Stacked
) -> None:
    """Write the assignments of used images and duplicates, and a row for each cluster."""
    distances = centre_distances(clusters.centres, codes, labels)
    used = assigned(run.used()["id"], labels, distances)
    table = with_duplicates(run.inventory(), used)
    for shard, ids in enumerate(run.shards()):
        is_here = pl.col("id").is_between(ids.start, ids.stop, closed="left")
        run.write_table(f"clusters/{name}/assignments", shard, table.filter(is_here))
    write_clusters_csv(run, name)


def write_clusters_csv(run: Run, name: str) -> None:
    """Write clusters.csv: each cluster's number, size and the image nearest to its centre."""
    table = (
        run.used()
        .select("id", "path")
        .join(run.assignments(name), on="id")
        .sort("distance", "id")
        .group_by("cluster", maintain_order=True)
        .agg(pl.len().alias("size"), pl.col("path").first().alias("nearest_to_centre"))
        .sort("cluster")
    )
    write_bytes(run.clusters_path("clusters.csv", name), csv_bytes(table))


def assigned(ids: pl.Series, labels: np.ndarray, distances: np.ndarray) -> pl.DataFrame:
    """Return the table of ids, clusters and distances to the clusters' centres."""
    columns = {
        "id": ids,
        "cluster": pl.Series(labels, dtype=pl.Int32),
        "distance": pl.Series(distances, dtype=pl.Float32),
    }
    return pl.DataFrame(columns)


def with_duplicates(inventory: pl.DataFrame, used: pl.DataFrame) -> pl.DataFrame:
    """Give every duplicate the cluster of the image that it repeats; see `assigned`."""
    kept = inventory.filter(pl.col("outcome").is_in(["used", "duplicate"]))
    original = pl.coalesce("duplicate_of", "id").alias("original")
    return (
        kept.select("id", original)
        .join(used.select(pl.col("id").alias("original"), "cluster", "distance"), on="original")
        .select("id", "cluster", "distance")
        .sort("id")
    )


def centre_distances(
    centres: np.ndarray, codes: Stacked | np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return each image's Euclidean distance to its cluster's centre, in code units.

    Noise (-1) gets the distance to the nearest centre, or 0 where there is none.
    """
    distances = np.zeros(len(codes), np.float32)
    for part in batches(len(codes), _BATCH):
        rows, found = codes[part], labels[part]
        inside = found >= 0
        distances[part[inside]] = np.linalg.norm(rows[inside] - centres[found[inside]], axis=1)
        if len(centres) and not inside.all():
            distances[part[~inside]] = nearest(centres, 1, queries=rows[~inside])[1][:, 0]
    return distances


def write_centres(run: Run, name: str, clusters: FlatClusters, device: Device) -> None:
    """Write centres.npy, the images that the clusters' centres stand for, uint8 (k, h, w, c)."""
    model = weights.load(run.path / "model")
    images = to_uint8(inference.decode(model, clusters.centres, device))
    write_atomic(run.clusters_path("centres.npy", name), lambda f: np.save(f, images))


def unknown_distance(codes: Stacked, seed: int) -> float | None:
    """Return the distance to the nearest image from which on a new image is "unknown".

    Calibrated on the run itself: `UNKNOWN_SHARE` of its images (of 2,000 drawn) are farther
    than this from their nearest other image. None for fewer than 2 images.
    """
    if len(codes) < 2:
        return None
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(codes))[:_CALIBRATION])
    every = codes[:]
    found, distances = nearest(every, 2, queries=every[drawn])
    is_self = found[:, 0] == drawn
    other = np.where(is_self, distances[:, 1], distances[:, 0])
    return float(np.quantile(other, 1 - UNKNOWN_SHARE))
