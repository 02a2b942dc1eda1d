"""UMAP, then HDBSCAN, as their documentation does it for clustering."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.rivals.data import digits, known
from benchmarks.rivals.plain_torchvision import let_import


def clusters(data: Path, work: Path) -> dict:
    """From pixels to clusters; imports and compiling are not counted."""
    let_import()
    import hdbscan
    import umap
    from sklearn.metrics import adjusted_rand_score

    pixels = digits(data, "all").reshape(-1, 784).astype(np.float32)
    umap.UMAP(n_neighbors=30, min_dist=0.0).fit_transform(pixels[:5_000])
    start = time.perf_counter()
    points = umap.UMAP(n_neighbors=30, min_dist=0.0, n_components=2).fit_transform(pixels)
    found = hdbscan.HDBSCAN(min_samples=10, min_cluster_size=500).fit_predict(points)
    seconds = time.perf_counter() - start
    ari = adjusted_rand_score(known(data, "all"), found)
    return {"seconds": seconds, "result": {"k": int(found.max()) + 1, "ARI": round(ari, 3)}}
