"""Stage 5: rounds of learning after the instant tree; what was learned replaces it, if better."""

from __future__ import annotations

import shutil
from dataclasses import asdict
from typing import Any

import numpy as np

from pictree.clustering.find import candidates_of, with_asked
from pictree.clustering.flat import from_labels
from pictree.clustering.instant import Start, instant_tree
from pictree.clustering.tree import ClusterTree
from pictree.device import choose_device
from pictree.networks import inference, summary, weights
from pictree.networks.autoencoder import build
from pictree.pipeline import group, learn
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from pictree.training.naming import images_shown
from pictree.training.rounds import Learned, learn_rounds, plan

_STAGED = "rounds"
"""What was learned lies here until it is adopted: a kill leaves either the old or the new."""


def rounds(run: Run, recipe: Recipe, seed: int, start: Start | None, progress: Progress) -> None:
    """Learn in rounds; write rounds/ where the end is better than the start.

    Parameters
    ----------
    run : Run
        With its instant tree.
    recipe : Recipe
    seed : int
    start : Start, optional
        What `group` began with; found again where a run is resumed.
    progress : Progress
    """
    rows, _ = group.rows_to_cluster(run, recipe)
    seed = seed if recipe.clustering.seed is None else recipe.clustering.seed
    pixels, part = run.array("pixels"), recipe.rounds
    architecture = plan(tuple(pixels.shape[1:]), part.code)
    device = choose_device(recipe.training.precision, architecture.encoder)
    run.update(device=asdict(device))
    progress.say(summary.render(summary.layer_table(build(architecture, seed))))
    fixed, candidates = candidates_of(recipe.clustering.k)
    if start is None:
        codes = run.array("codes")[rows]
        start = instant_tree(codes, k=fixed, candidates=candidates, seed=seed).start
    progress.start("learning", part.count * images_shown(len(start.rows), part))
    learned = learn_rounds(
        pixels,
        start,
        part,
        device,
        rows=rows,
        k=fixed,
        candidates=candidates,
        seed=seed,
        on_batch=progress.advance,
        on_round=lambda row: progress.note(_in_words(row, part.count)),
    )
    progress.close()
    if learned.is_better:
        _write_staged(run, learned, rows, device)
    kept = {"kept": learned.is_better, "started": learned.started, "ended": learned.agreement}
    shortlist = [asdict(c) for c in with_asked(learned.shortlist, fixed)]
    run.update(rounds={**kept, "k": learned.k, "k_shortlist": shortlist, "rows": learned.history})


def _in_words(row: dict[str, Any], count: int) -> str:
    return f"round {row['round']} of {count}, runs agree {row['agreement']:.3f}"


def _write_staged(run: Run, learned: Learned, rows: np.ndarray, device: Any) -> None:
    weights.save(learned.model, run.path / _STAGED / "model")
    for shard in range(run.shard_count("pixels")):
        pixels = run.read_array("pixels", shard)
        codes = inference.encode(learned.model, pixels, device)
        run.write_array(f"{_STAGED}/codes", shard, codes)
        errors = inference.reconstruction_errors(learned.model, pixels, device)
        run.write_array(f"{_STAGED}/errors", shard, errors)
    arrays = learned.tree.to_arrays() | {"rows": rows, "confidence": learned.confidence}
    run.write_arrays(f"{_STAGED}/tree.npz", arrays)


def adopt(run: Run, recipe: Recipe, seed: int) -> None:
    """Put what was learned in the place of the instant tree, whose clusters stay beside it.

    Each step can be repeated; the tree moves last. Nothing is done where the start was kept.
    """
    told, staged = run.info["rounds"], run.path / _STAGED
    if not told["kept"]:
        return
    is_staged = (staged / "tree.npz").exists()
    for kind in ("model", "codes", "errors"):
        for file in sorted((staged / kind).glob("*")):
            file.replace(run.path / kind / file.name)
    device = choose_device("float32")
    learn.keep_reconstructions(run, weights.load(run.path / "model"), device)
    arrays = run.arrays(f"{_STAGED}/tree.npz" if is_staged else "tree.npz")
    labels, rows = ClusterTree.from_arrays(arrays).cut(told["k"]), arrays["rows"]
    codes = run.array("codes")
    clusters = from_labels(codes[rows], labels, "tree")
    name = group.write_clusters(run, clusters, rows)
    group.write_centres(run, name, clusters, device)
    run.update(
        instant=run.info.get("instant") or run.clusters_name,
        clusters=name,
        k=told["k"],
        k_shortlist=told["k_shortlist"],
        agreement=told["ended"],
        unknown_distance=group.unknown_distance(
            codes, seed if recipe.clustering.seed is None else recipe.clustering.seed
        ),
    )
    if is_staged:
        (staged / "tree.npz").replace(run.path / "tree.npz")
    shutil.rmtree(staged, ignore_errors=True)
