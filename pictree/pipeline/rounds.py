"""Stage 5 of the recipe tree: rounds of learning after the instant tree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pictree.clustering.find import candidates_of, with_asked
from pictree.clustering.instant import Start, instant_tree
from pictree.device import Device, choose_device
from pictree.networks import summary
from pictree.networks.autoencoder import build
from pictree.pipeline import group
from pictree.pipeline.adopt import checkpoints_of, write_staged
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from pictree.training.learned import Learned
from pictree.training.rounds import images_shown, learn_rounds, plan


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
    part = recipe.rounds
    begun = begin(run, recipe, part.code, seed, start, progress)
    progress.start("learning", images_shown(len(begun.start.rows), part))
    learned = learn_rounds(
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
        on_round=lambda row: tell(progress, row, _in_words(row, part.count)),
    )
    progress.close()
    end(run, begun, learned)


def tell(progress: Progress, row: dict[str, Any], words: str) -> None:
    """Tell the figures of a round, an epoch or an update, as a row and in words."""
    progress.note(words)
    progress.figures(row)


@dataclass(frozen=True)
class Begun:
    """What learning after the instant tree begins with.

    Attributes
    ----------
    start : Start
    rows : int array (n,)
        Of the used images, those that the start was found on.
    k : int or None
        The number of clusters that was asked for.
    candidates : sequence of int
        Numbers of clusters to rank.
    device : Device
    seed : int
    """

    start: Start
    rows: np.ndarray
    k: int | None
    candidates: Sequence[int]
    device: Device
    seed: int


def begin(
    run: Run, recipe: Recipe, code: int, seed: int, start: Start | None, progress: Progress
) -> Begun:
    """Choose the device, tell the network, and find the start where it is not at hand."""
    rows, _ = group.rows_to_cluster(run, recipe)
    seed = seed if recipe.clustering.seed is None else recipe.clustering.seed
    architecture = plan(tuple(run.array("pixels").shape[1:]), code)
    device = choose_device(recipe.training.precision, architecture.encoder)
    run.update(device=asdict(device))
    progress.say(summary.render(summary.layer_table(build(architecture, seed))))
    k, candidates = candidates_of(recipe.clustering.k)
    if start is None:
        codes = run.array("codes")[rows]
        start = instant_tree(codes, k=k, candidates=candidates, seed=seed).start
    return Begun(start, rows, k, candidates, device, seed)


def end(run: Run, begun: Begun, learned: Learned) -> None:
    """Write what was learned to rounds/, if it is better, and to run.json what came of it."""
    if learned.is_better:
        arrays = learned.tree.to_arrays() | {"rows": begun.rows, "confidence": learned.confidence}
        write_staged(run, "tree.npz", learned.model, arrays, begun.device)
    kept = {"kept": learned.is_better, "started": learned.started, "ended": learned.agreement}
    shortlist = [asdict(c) for c in with_asked(learned.shortlist, begun.k)]
    run.update(rounds={**kept, "k": learned.k, "k_shortlist": shortlist, "rows": learned.history})


def _in_words(row: dict[str, Any], count: int) -> str:
    return f"round {row['round']} of {count}, runs agree {row['agreement']:.3f}"
