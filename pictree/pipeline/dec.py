"""Stage 5 of the recipe dec: the codes and k-means' centres among them, refined together."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pictree.clustering.flat import FlatClusters
from pictree.device import choose_device
from pictree.networks import weights
from pictree.pipeline import group
from pictree.pipeline.adopt import checkpoints_of, write_staged
from pictree.pipeline.rounds import tell
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from pictree.training.dec import images_shown, refine


def dec(run: Run, recipe: Recipe, seed: int, progress: Progress) -> None:
    """Refine codes and centres; write rounds/.

    The method has no rule by which the start could be kept.

    Parameters
    ----------
    run : Run
        With the clusters of k-means.
    recipe : Recipe
    seed : int
    progress : Progress
    """
    rows, _ = group.rows_to_cluster(run, recipe)
    part, network = recipe.dec, recipe.network
    device = choose_device(recipe.training.precision, (*network.encoder, *network.decoder))
    run.update(device=asdict(device))
    found = FlatClusters.from_arrays(run.arrays(f"clusters/{run.clusters_name}/model.npz"))
    progress.start("refining", part.updates * images_shown(len(rows), part))
    refined = refine(
        weights.load(run.path / "model"),
        found.centres,
        run.array("pixels"),
        part,
        device,
        rows=rows,
        seed=seed,
        checkpoint=checkpoints_of(run),
        on_batch=progress.advance,
        on_update=lambda row: tell(progress, row, _in_words(row, part.updates)),
    )
    progress.close()
    arrays = {"centres": refined.centres, "rows": rows, "confidence": refined.confidence}
    write_staged(run, "centres.npz", refined.model, arrays, device)
    told: dict[str, Any] = {"kept": True, "started": None, "ended": None, "k": found.n_clusters}
    run.update(rounds={**told, "k_shortlist": run.info["k_shortlist"], "rows": refined.history})


def _in_words(row: dict[str, Any], most: int) -> str:
    return f"update {row['update']} of at most {most}, {row['changed']:.2%} changed cluster"
