"""Stage 6: what was learned after the first clusters takes their place."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from pictree.clustering.flat import FlatClusters, from_centres, from_labels
from pictree.clustering.tree import ClusterTree
from pictree.device import Device, choose_device
from pictree.files import move
from pictree.networks import inference, weights
from pictree.networks.autoencoder import Autoencoder
from pictree.pipeline import group, learn
from pictree.recipes.recipe import Recipe
from pictree.store import Run

_STAGED = "rounds"
"""What was learned lies here until it is adopted: a kill leaves either the old or the new."""

_FILES = {"rounds": "tree.npz", "pairs": "tree.npz", "dec": "centres.npz"}
"""What tells the learned clusters, by the recipe's section that learned them."""


def checkpoints_of(run: Run) -> Path:
    """Return the folder of the states that unfinished learning goes on from."""
    return run.path / _STAGED / "checkpoints"


def write_staged(
    run: Run, file: str, model: Autoencoder, arrays: Mapping[str, np.ndarray], device: Device
) -> None:
    """Write rounds/: the learned model, its codes and errors, and the clusters' arrays.

    Parameters
    ----------
    run : Run
    file : str
        "tree.npz" or "centres.npz".
    model : Autoencoder
    arrays : mapping of str to ndarray
    device : Device
    """
    weights.save(model, run.path / _STAGED / "model")
    for shard in range(run.shard_count("pixels")):
        pixels = run.read_array("pixels", shard)
        codes = inference.encode(model, pixels, device)
        run.write_array(f"{_STAGED}/codes", shard, codes)
        errors = inference.reconstruction_errors(model, pixels, device)
        run.write_array(f"{_STAGED}/errors", shard, errors)
    run.write_arrays(f"{_STAGED}/{file}", arrays)


def adopt(run: Run, recipe: Recipe, seed: int) -> None:
    """Put what was learned in the place of the first clusters, which stay beside it.

    Each step can be repeated; the clusters' arrays move last. Nothing is done where the start was
    kept.
    """
    told, staged = run.info["rounds"], run.path / _STAGED
    if not told["kept"]:
        shutil.rmtree(staged, ignore_errors=True)
        return
    file = _FILES[str(recipe.learning)]
    is_staged = (staged / file).exists()
    for kind in ("model", "codes", "errors"):
        for path in sorted((staged / kind).glob("*")):
            move(path, run.path / kind / path.name)
    device = choose_device("float32")
    learn.keep_reconstructions(run, weights.load(run.path / "model"), device)
    arrays = run.arrays(f"{_STAGED}/{file}" if is_staged else file)
    codes, rows = run.array("codes"), arrays["rows"]
    clusters = _clusters(codes[rows], arrays, told["k"])
    name = group.write_clusters(run, clusters, rows)
    group.write_centres(run, name, clusters, device)
    run.update(
        instant=run.info.get("instant") or run.clusters_name,
        clusters=name,
        k=clusters.n_clusters,
        k_shortlist=told["k_shortlist"],
        agreement=told["ended"],
        unknown_distance=group.unknown_distance(
            codes, seed if recipe.clustering.seed is None else recipe.clustering.seed
        ),
    )
    if is_staged:
        move(staged / file, run.path / file)
    shutil.rmtree(staged, ignore_errors=True)


def _clusters(codes: np.ndarray, arrays: Mapping[str, np.ndarray], k: int) -> FlatClusters:
    if "centres" in arrays:
        return from_centres(codes, arrays["centres"], "dec")
    return from_labels(codes, ClusterTree.from_arrays(dict(arrays)).cut(k), "tree")
