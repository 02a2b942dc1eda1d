"""Neighbours and tree by cells beside the exact ones: recall, agreement with known labels, seconds.

    python benchmarks/cells.py RUN [--cells 16 64] [--probes 1 4 8 16]

RUN is a finished run with known labels; its pixels are used, on 50 principal axes.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from pictree.clustering.leaves import find_leaves, neighbour_graph
from pictree.clustering.merge import joint_shares, merge
from pictree.clustering.preparation import fit_preparation
from pictree.clustering.tree import ClusterTree
from pictree.clustering.wide import recall, wide_tree
from pictree.evaluation.agreement import score
from pictree.neighbors import nearest
from pictree.store import Run

NEIGHBOURS = 5


def main() -> None:
    """Print a line for the exact tree, and one for each number of cells and probes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("--cells", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--probes", type=int, nargs="+", default=[1, 4, 8, 16])
    asked = parser.parse_args()
    run = Run.open(asked.run)
    pixels = run.array("pixels")[:]
    flat = pixels.reshape(len(pixels), -1) / np.float32(255)
    axes = fit_preparation(flat, standardise=False, dimensions=50, seed=0)
    rows = np.ascontiguousarray(axes.apply(flat), np.float32)
    known = run.used()["known_label"].to_list()
    start = time.perf_counter()
    exact = nearest(rows, NEIGHBOURS)[0]
    searched = time.perf_counter() - start
    graph = neighbour_graph(exact)
    leaves = find_leaves(graph, resolution=2.0, at_least=2, seed=0)
    tell("exact", 1.0, ClusterTree(leaves, *merge(joint_shares(graph, leaves))), known, searched)
    shards = np.array_split(rows, 8)
    for cells in asked.cells:
        for probes in asked.probes:
            start = time.perf_counter()
            tree, links = wide_tree(shards, cells=cells, probes=probes, neighbours=NEIGHBOURS)
            seconds = time.perf_counter() - start
            tell(f"{cells} cells, {probes} searched", recall(links, exact), tree, known, seconds)


def tell(name: str, found: float, tree: ClusterTree, known: list[str], seconds: float) -> None:
    """Print one line."""
    scores = score(tree.cut(10), known)
    purity = score(tree.leaves, known)["purity"]
    print(
        f"{name:28} recall {found:.4f}  leaves {tree.n_leaves:4}  leaf purity {purity:.4f}  "
        f"acc {scores['acc']:.4f}  nmi {scores['nmi']:.4f}  {seconds:6.1f} s",
        flush=True,
    )


if __name__ == "__main__":
    main()
