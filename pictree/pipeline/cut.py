"""Another number of clusters from the same tree: nothing is trained again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pictree.clustering.flat import from_labels
from pictree.clustering.tree import ClusterTree
from pictree.errors import RunError
from pictree.pipeline.group import write_clusters
from pictree.store import Run


def cut(run_path: str | Path, k: int) -> dict[str, Any]:
    """Cut a run's tree into exactly k clusters, and write them beside the others.

    The tree is the fit's, and so are the clusters' numbers; a picture added since is in the
    cluster of the fit's picture that is nearest to it.

    Parameters
    ----------
    run_path : path-like
        A finished run whose clusters are a tree.
    k : int
        From 1 to the number of leaves.

    Returns
    -------
    dict
        k, sizes (images in each cluster, duplicates left out, the fit's largest first), clusters
        (the folder).

    Raises
    ------
    RunError
        If the run has no tree.
    InputError
        If k is out of range.
    """
    run = Run.open(run_path)
    with run.lock():
        if not run.has_tree:
            raise RunError(
                "only a tree can be cut",
                got=f"{run.path}, whose clusters are {run.info.get('clusters', 'not there')}",
                do="Fit with a recipe whose clustering is a tree, such as quick",
            )
        arrays = run.arrays("tree.npz")
        labels = ClusterTree.from_arrays(arrays).cut(k)
        rows = arrays["rows"]
        name = write_clusters(run, from_labels(run.array("codes")[rows], labels, "tree"), rows)
        run.write_manifest()
    sizes = np.bincount(run.labels(name), minlength=k)
    return {"k": k, "sizes": sizes.tolist(), "clusters": str(run.clusters_path("", name))}
