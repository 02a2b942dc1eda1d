"""Real small runs, made through the store: PCA numbers as codes, k-means as clusters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA

from pictree.clustering.tree import ClusterTree
from pictree.evaluation.agreement import contents, score
from pictree.files import write_atomic
from pictree.images.inventory import INVENTORY_SCHEMA
from pictree.store import Run

SCRIPT_NAME = "<script>alert(1)</script>.png"
TURNED_NAME = "a\nb\u202egnp.exe"


def build_run(
    folder: Path,
    pixels: np.ndarray,
    known: list[str | None] | None = None,
    *,
    k: int = 10,
    labels: np.ndarray | None = None,
    paths: list[str] | None = None,
    extra: list[dict[str, Any]] = (),
    info: dict[str, Any] | None = None,
    metrics: dict[str, Any] | None = None,
    maps: tuple[str, ...] = ("pca",),
    trained: bool = True,
    kept: bool = True,
    tree: ClusterTree | None = None,
    waiting: tuple[str, ...] = (),
) -> Run:
    """Return a run of uint8 (n, h, w, c).

    ``extra`` are inventory rows not used. With a ``tree`` the clusters are its cut into k. The
    run is finished but for the stages in ``waiting``.
    """
    n = len(pixels)
    flat = pixels.reshape(n, -1).astype(np.float32) / 255
    size = min(20, n, flat.shape[1])
    pca = PCA(size, svd_solver="full").fit(flat)
    codes = pca.transform(flat).astype(np.float32)
    if tree is not None:
        labels = tree.cut(k)
    if labels is None:
        found = KMeans(k, n_init=1, random_state=0).fit_predict(codes)
        by_size = np.argsort(-np.bincount(found, minlength=k), kind="stable")
        labels = np.argsort(by_size)[found].astype(np.int32)
    restored = np.clip(pca.inverse_transform(codes), 0, 1)
    errors = ((restored - flat) ** 2).mean(1).astype(np.float32)
    run = Run.create(folder, "[network]\nencoder = [32, 32]\n", _info(info, n + len(extra)))
    seconds = {"stock": 0.2, "learn": 125.0}
    run.update(stages={name: {"state": "done", "seconds": s} for name, s in seconds.items()})
    run.plan(waiting)
    run.write_array("pixels", 0, pixels)
    run.write_array("codes", 0, codes)
    run.write_array("errors", 0, errors)
    run.write_table("images", 0, _inventory(n, paths, known, list(extra)))
    _write_clusters(run, codes, labels, pca, pixels.shape[1:], list(extra), kept)
    if tree is not None:
        run.write_arrays("tree.npz", tree.to_arrays() | {"rows": np.arange(n)})
    if kept:
        shown = max(1, min(8, n // 3))
        order = np.argsort(errors, kind="stable")
        middle = (n - shown) // 2
        rows = np.concatenate([order[:shown], order[middle : middle + shown], order[-shown:]])
        images = (restored[rows].reshape(-1, *pixels.shape[1:]) * 255).round().astype(np.uint8)
        held = {"rows": rows, "reconstructions": images, "errors": errors[rows]}
        run.write_arrays("reconstructions.npz", held)
    for i, method in enumerate(maps):
        two = np.zeros((n, 2), np.float32)
        two[:, : min(2, size)] = codes[:, [i, i + 1]] if size > i + 1 else codes[:, :1]
        run.write_map(method, two)
    losses = [(0.30, 0.31), (0.20, 0.22), (0.15, 0.19)]
    rows = [
        {"epoch": e, "loss": a, "validation_loss": b, "seconds": 1.0}
        for e, (a, b) in enumerate(losses, 1)
    ]
    run.write_log(rows if trained else [])
    run.write_metrics({**_metrics(n, labels, known, pixels), **(metrics or {})})
    return run


def chain_tree(n: int, leaves: int, losses: float = 0.01) -> ClusterTree:
    """Return a tree of n rows in which each merge adds one leaf to all before it.

    Every other row is in leaf 0.
    """
    of_row = (np.arange(n) % leaves).astype(np.int32)
    of_row[leaves::2] = 0
    children = [(0, 1), *((leaves + i - 1, i + 1) for i in range(1, leaves - 1))]
    return ClusterTree(of_row, np.array(children, np.int32), np.full(leaves - 1, losses))


def _info(changes: dict[str, Any] | None, items: int) -> dict[str, Any]:
    return {
        "items": items,
        "shard_rows": 65_536,
        "command": "pictree fit 'my pictures' -o run --seed 7",
        "recipe": "large-1568",
        "seed": 7,
        "hardware": {"processor": "Some CPU", "cores": 2, "memory_gib": 8.0, "system": "OS"},
        "device": {"kind": "cpu", "reason": "CPU, 2 threads: no GPU found"},
        "peak_mb": 1430.9,
        "versions": {"python": "3.11.2", "numpy": "2.0.0"},
        "clusters": "kmeans-k",
        "maps_missing": {"umap": "UMAP needs umap-learn; got none. Run pip install ."},
        **(changes or {}),
    }


def _inventory(
    n: int, paths: list[str] | None, known: list[str | None] | None, extra: list[dict[str, Any]]
) -> pl.DataFrame:
    empty = dict.fromkeys(INVENTORY_SCHEMA)
    paths = paths or [f"digits/{i:05d}.png" for i in range(n)]
    rows = [
        {**empty, "id": i, "path": paths[i], "outcome": "used", "reason": "",
         "known_label": known[i] if known else None, "split": "train"}
        for i in range(n)
    ]  # fmt: skip
    rows += [{**empty, "id": n + i, **row} for i, row in enumerate(extra)]
    return pl.DataFrame(rows, schema=INVENTORY_SCHEMA)


def _write_clusters(
    run: Run,
    codes: np.ndarray,
    labels: np.ndarray,
    pca: PCA,
    shape: tuple[int, ...],
    extra: list[dict[str, Any]],
    kept: bool,
) -> None:
    k = int(labels.max(initial=-1)) + 1
    distances = np.zeros(len(codes), np.float32)
    centres = np.zeros((k, codes.shape[1]), np.float32)
    for c in np.unique(labels[labels >= 0]):
        centres[c] = codes[labels == c].mean(0)
        distances[labels == c] = np.linalg.norm(codes[labels == c] - centres[c], axis=1)
    ids = list(range(len(codes)))
    for i, row in enumerate(extra):
        if row["outcome"] == "duplicate":
            ids.append(len(codes) + i)
            labels = np.append(labels, labels[row["duplicate_of"]])
            distances = np.append(distances, distances[row["duplicate_of"]])
    columns = {"id": np.array(ids, np.uint32), "cluster": labels, "distance": distances}
    run.write_table("clusters/kmeans-k/assignments", 0, pl.DataFrame(columns))
    if kept and k:
        images = np.clip(pca.inverse_transform(centres), 0, 1).reshape(k, *shape)
        decoded = (images * 255).round().astype(np.uint8)
        write_atomic(run.clusters_path("centres.npy"), lambda f: np.save(f, decoded))


def _metrics(
    n: int, labels: np.ndarray, known: list[str | None] | None, pixels: np.ndarray
) -> dict[str, Any]:
    held = contents(labels, known) if known else None
    _, height, width, channels = pixels.shape
    return {
        "images": n, "used": n, "duplicates": 0, "problems": {}, "method": "kmeans",
        "k": int(labels.max(initial=-1)) + 1, "k_shortlist": [], "clustered": "all",
        "silhouette": 0.123, "silhouette_sample": min(n, 1000), "agreement": 0.9,
        "scores": score(labels, known) if known else None, "held_out": None,
        "baselines": [{
            "name": "k-means on pixels",
            "scores": {"acc": 0.4, "ari": 0.3, "nmi": 0.4, "purity": 0.5} if known else {},
            "deviations": {"acc": 0.02, "ari": 0.01, "nmi": 0.01, "purity": 0.01} if known else {},
            "agreement": 0.85,
        }],
        "verdict": ["Better than k-means on pixels by 0.2: matched accuracy 0.6."] if known else [],
        "contents": [
            {"cluster": c.cluster, "size": c.size, "counts": c.counts, "in_words": c.in_words}
            for c in held
        ] if held else None,
        "image_format": {"height": height, "width": width, "channels": channels,
                         "reason": "the size of all images"},
    }  # fmt: skip
