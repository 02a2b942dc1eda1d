"""Ten nearest neighbours by others' packages, and their recall."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

K = 10
_SOUGHT = 16
"""With which pynndescent finds more than .99 of the 10 nearest."""


def recall(work: Path, found: np.ndarray) -> float:
    """Return the share of the true neighbours that were found."""
    true = np.load(work / "nearest-10.npy")
    hits = [np.isin(a, b).sum() for a, b in zip(true, found, strict=True)]
    return round(float(np.sum(hits)) / true.size, 4)


def _timed(work: Path, find: Callable[[np.ndarray], np.ndarray]) -> dict:
    rows = np.load(work / "principal-50.npy")
    find(rows[:5_000])
    start = time.perf_counter()
    found = find(rows)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "result": {"recall": recall(work, found)}}


def _others(found: np.ndarray) -> np.ndarray:
    """Leave each row itself out of K + 1 found."""
    is_self = found == np.arange(len(found))[:, None]
    is_self[~is_self.any(axis=1), -1] = True
    return found[~is_self].reshape(len(found), -1)


def sklearn(data: Path, work: Path) -> dict:
    """Exact, by brute force."""
    from sklearn.neighbors import NearestNeighbors

    return _timed(
        work,
        lambda rows: NearestNeighbors(n_neighbors=K, algorithm="brute").fit(rows).kneighbors()[1],
    )


def _faiss(work: Path, make: Callable[[], object]) -> dict:
    def find(rows: np.ndarray) -> np.ndarray:
        index = make()
        if not index.is_trained:
            index.train(rows)
        index.add(rows)
        return _others(index.search(rows, K + 1)[1])

    return _timed(work, find)


def flat(data: Path, work: Path) -> dict:
    """Exact."""
    import faiss

    return _faiss(work, lambda: faiss.IndexFlatL2(50))


def hnsw(data: Path, work: Path) -> dict:
    """Approximate, by a graph."""
    import faiss

    def make() -> object:
        index = faiss.IndexHNSWFlat(50, 16)
        index.hnsw.efConstruction, index.hnsw.efSearch = 60, 64
        return index

    return _faiss(work, make)


def ivf(data: Path, work: Path) -> dict:
    """Approximate, by cells."""
    import faiss

    def make() -> object:
        index = faiss.IndexIVFFlat(faiss.IndexFlatL2(50), 50, 256)
        index.nprobe = 24
        return index

    return _faiss(work, make)


def descent(data: Path, work: Path) -> dict:
    """Approximate, by descent; compiling is not counted. With 10 neighbours it finds .983."""
    from pynndescent import NNDescent

    def find(rows: np.ndarray) -> np.ndarray:
        return _others(NNDescent(rows, n_neighbors=_SOUGHT).neighbor_graph[0][:, : K + 1])

    return _timed(work, find)
