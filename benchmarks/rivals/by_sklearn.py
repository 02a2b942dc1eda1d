"""scikit-learn's k-means, and its nearest neighbours of a single row."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median

import numpy as np


def kmeans(data: Path, work: Path) -> dict:
    """Ten starts on the codes as they are."""
    from sklearn.cluster import KMeans

    codes = np.load(work / "codes-1568.npy")
    start = time.perf_counter()
    found = KMeans(10, n_init=10, random_state=0).fit(codes)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"inertia": inertia(codes, found.cluster_centers_)}}


def place(data: Path, work: Path) -> dict:
    """Find the ten nearest of one code; the median of 200."""
    from sklearn.neighbors import NearestNeighbors

    codes = np.load(work / "place-codes.npy")
    search = NearestNeighbors(n_neighbors=10, algorithm="brute").fit(codes)
    asked = codes[:200] + np.float32(0.01)
    seconds = []
    for row in asked:
        start = time.perf_counter()
        search.kneighbors(row[None])
        seconds.append(time.perf_counter() - start)
    return {"seconds": median(seconds)}


def inertia(codes: np.ndarray, centres: np.ndarray) -> int:
    """Return the sum of squared distances to the nearest centre, in float64."""
    total = 0.0
    wide = centres.astype(np.float64)
    for first in range(0, len(codes), 4_096):
        block = codes[first : first + 4_096].astype(np.float64)
        squares = (block**2).sum(1)[:, None] - 2 * block @ wide.T + (wide**2).sum(1)
        total += squares.min(axis=1).sum()
    return round(total)
