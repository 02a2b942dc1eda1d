"""ClustPy's IDEC."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from benchmarks.rivals.data import digits, known
from benchmarks.rivals.plain_torchvision import let_import


def idec(data: Path, work: Path) -> dict:
    """Do an epoch of pretraining, k-means, one of IDEC, by its feed-forward network."""
    let_import()
    from clustpy.deep import IDEC
    from sklearn.metrics import adjusted_rand_score

    images = digits(data).reshape(-1, 784).astype(np.float32) / 255
    start = time.perf_counter()
    found = IDEC(10, batch_size=256, pretrain_epochs=1, clustering_epochs=1, random_state=0)
    found.fit(images)
    seconds = time.perf_counter() - start
    return {
        "seconds": seconds,
        "result": {"ARI": round(adjusted_rand_score(known(data), found.labels_), 3)},
    }
