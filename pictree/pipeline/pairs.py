"""Stage 5 of the recipe pairs: names that an image shares with its neighbours."""

from __future__ import annotations

from typing import Any

from pictree.clustering.instant import Start
from pictree.pipeline.adopt import checkpoints_of
from pictree.pipeline.rounds import begin, end, tell
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from pictree.training.pairs import images_shown, learn_pairs


def pairs(run: Run, recipe: Recipe, seed: int, start: Start | None, progress: Progress) -> None:
    """Learn from pairs; write rounds/ where the end is better than the start.

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
    part = recipe.pairs
    begun = begin(run, recipe, part.code, seed, start, progress)
    progress.start("learning", images_shown(len(begun.start.rows), part))
    learned = learn_pairs(
        run.array("pixels"),
        begun.start,
        part,
        begun.device,
        rows=begun.rows,
        k=begun.k,
        candidates=begun.candidates,
        seed=begun.seed,
        checkpoint=checkpoints_of(run),
        on_batch=progress.advance,
        on_epoch=lambda row: tell(progress, row, _in_words(row, part.epochs + part.self_epochs)),
    )
    progress.close()
    end(run, begun, learned)


def _in_words(row: dict[str, Any], count: int) -> str:
    return f"epoch {row['epoch']} of {count}, loss {row['loss']:.4f}"
