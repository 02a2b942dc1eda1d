"""Stage 5 of the recipe dec: the codes and k-means' centres among them, refined together."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from pictree.clustering.flat import FlatClusters
from pictree.device import Device, choose_device
from pictree.engine.base import Engine
from pictree.networks import weights
from pictree.pipeline import group
from pictree.pipeline.adopt import checkpoints_of, write_staged
from pictree.pipeline.rounds import tell
from pictree.pipeline.together import learn_together
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from pictree.training.dec import Refined, ended, images_shown, refine
from pictree.training.together import Share


def dec(
    run: Run, recipe: Recipe, seed: int, progress: Progress, engine: Engine | None = None
) -> None:
    """Refine codes and centres; write rounds/.

    The method has no rule by which the start could be kept. Several machines refine where they
    trained the network together; see `pictree.pipeline.together`.

    Parameters
    ----------
    run : Run
        With the clusters of k-means.
    recipe : Recipe
    seed : int
    progress : Progress
    engine : Engine, optional
    """
    rows, _ = group.rows_to_cluster(run, recipe)
    part, network = recipe.dec, recipe.network
    device = choose_device(recipe.training.precision, (*network.encoder, *network.decoder))
    run.update(device=asdict(device))
    found, parts = _centres(run), run.info.get("parts")

    def say(row: dict[str, Any]) -> None:
        tell(progress, row, _in_words(row, part.updates))

    if parts and engine is not None:
        work = partial(refine_share, run.path, recipe, device, seed)
        learn_together(
            engine,
            checkpoints_of(run),
            work,
            parts,
            part.updates,
            progress,
            say,
            is_over=partial(ended, settings=part),
            called="update",
        )
    progress.start("refining", part.updates * images_shown(len(rows), part))
    share = Share(parts) if parts else None
    refined = _refine(run, recipe, device, seed, share, on_batch=progress.advance, on_update=say)
    progress.close()
    arrays = {"centres": refined.centres, "rows": rows, "confidence": refined.confidence}
    write_staged(run, "centres.npz", refined.model, arrays, device)
    told: dict[str, Any] = {"kept": True, "started": None, "ended": None, "k": found.n_clusters}
    run.update(rounds={**told, "k_shortlist": run.info["k_shortlist"], "rows": refined.history})


def refine_share(
    folder: Path, recipe: Recipe, device: Device, seed: int, until: int, share: Share
) -> int:
    """Refine until an update, as one of several processes; return how many images."""
    run = Run(folder, fitted=True)
    _refine(run, recipe, device, seed, share, until=until)
    return len(group.rows_to_cluster(run, recipe)[0])


def _centres(run: Run) -> FlatClusters:
    return FlatClusters.from_arrays(run.arrays(f"clusters/{run.clusters_name}/model.npz"))


def _refine(
    run: Run, recipe: Recipe, device: Device, seed: int, share: Share | None, **options: Any
) -> Refined:
    """Refine the run's network and centres, from its last checkpoint on."""
    rows = group.rows_to_cluster(run, recipe)[0]
    return refine(
        weights.load(run.path / "model"),
        _centres(run).centres,
        run.array("pixels"),
        recipe.dec,
        device,
        rows=rows,
        codes=run.array("codes")[rows],
        seed=seed,
        checkpoint=checkpoints_of(run),
        share=share,
        **options,
    )


def _in_words(row: dict[str, Any], most: int) -> str:
    return f"update {row['update']} of at most {most}, {row['changed']:.2%} changed cluster"
