"""The runs of a look: leaves among neighbours, merged by what each graph tells, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from itertools import product
from typing import Any

import numpy as np
from scipy import sparse

from pictree.clustering.leaves import find_leaves, neighbour_graph
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.tree import ClusterTree
from pictree.cores import free_cores

RESOLUTIONS = (2.0, 4.0)
SEEDS = 3
PROCESSES_FROM = 20_000
"""Rows from which on runs are worth the second that processes take to start."""


def runs_of(
    links: np.ndarray,
    evidence: Sequence[np.ndarray],
    counts: Sequence[int],
    *,
    at_least: int,
    seed: int,
) -> dict[int, list[list[ClusterTree]]]:
    """Find leaves by each neighbour count, resolution and seed, and merge them by each evidence.

    From `PROCESSES_FROM` rows on a process for each free core works at them: Louvain's moves hold
    Python's lock, so threads would wait for each other. How many there are changes no result.

    Parameters
    ----------
    links : ndarray of int32, shape (n, q)
        Each row's nearest other rows, nearest first, in which leaves are found.
    evidence : sequence of ndarray of int32, each of shape (n, q)
        The neighbours by which leaves merge.
    counts : sequence of int
        How many of the neighbours to read, at most q.
    at_least : int
        Fewest leaves, where there are as many rows.
    seed : int

    Returns
    -------
    dict
        For each count a list for each evidence: trees over the same leaves, by resolution and
        seed.
    """
    graphs = {count: _graphs(links, evidence, count) for count in counts}
    seeds = range(seed * SEEDS, seed * SEEDS + SEEDS)
    each = list(product(counts, RESOLUTIONS, seeds))
    tasks = [(graphs[count], resolution, at_least, s) for count, resolution, s in each]
    cores = min(free_cores(), len(tasks)) if len(links) >= PROCESSES_FROM else 1
    found = _side_by_side(tasks, cores) if cores > 1 else _one_by_one(tasks)
    by_count = {
        count: [trees for (of, _, _), trees in zip(each, found, strict=True) if of == count]
        for count in counts
    }
    return {count: [list(same) for same in zip(*by_count[count], strict=True)] for count in counts}


def _graphs(
    links: np.ndarray, evidence: Sequence[np.ndarray], count: int
) -> list[sparse.csr_matrix]:
    first = neighbour_graph(links[:, :count])
    return [first, *(first if e is links else neighbour_graph(e[:, :count]) for e in evidence)]


def _one_by_one(tasks: list[tuple[Any, ...]]) -> list[list[ClusterTree]]:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # many small steps: threads would only wait for each other
        return [_run(*task) for task in tasks]


def _side_by_side(tasks: list[tuple[Any, ...]], cores: int) -> list[list[ClusterTree]]:
    from joblib import Parallel, delayed
    from joblib.externals.loky import get_reusable_executor

    try:
        return Parallel(cores, backend="loky", max_nbytes=None)(
            delayed(_run)(*task) for task in tasks
        )
    except (OSError, BrokenExecutor):  # no process to be had, or one was killed
        return _one_by_one(tasks)
    finally:
        get_reusable_executor().shutdown(wait=True)  # they would keep their memory for minutes


def _run(
    graphs: list[sparse.csr_matrix], resolution: float, at_least: int, seed: int
) -> list[ClusterTree]:
    """Trees by each evidence, over the leaves of the first graph."""
    leaves = find_leaves(graphs[0], resolution=resolution, at_least=at_least, seed=seed)
    return [ClusterTree(leaves, *merge(joint_shares(graph, leaves))) for graph in graphs[1:]]
