"""Pixels, or features of a network that was trained elsewhere? Chosen without any label."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from pictree.clustering.find import candidates_of
from pictree.clustering.instant import InstantTree, instant_tree
from pictree.clustering.look import DISTRUST
from pictree.clustering.vote import agreement_by_k
from pictree.device import choose_device
from pictree.errors import InputError
from pictree.features.extract import SMALL, extract
from pictree.features.packaged import NAME, is_installed, open_packaged
from pictree.images.decode import inner_boxes
from pictree.images.format import choose_format
from pictree.images.inventory import look_at_some
from pictree.images.sources import Source
from pictree.pipeline.learn import linear_codes
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run

SAMPLE = 1_000
"""Images that the choice looks at, spread evenly over the pile."""

FEWEST = 50
"""Fewer have no runs worth comparing."""

RATIO = 1.25
"""So many times as good must the best clusters from features be, as numbers of clusters are ranked:
a few coarse ones that agree are no better for that."""

MARGIN = 0.05
"""By so much the runs on features must agree better: learning will still improve what
pixels give."""

TO_HAVE = "--recipe photos takes features"


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes
    ----------
    recipe : str
        Name of the recipe.
    reason : str
        In one sentence.
    images : int
        How many were looked at.
    k : int
        Into how many clusters.
    pixels, features : float
        How far the runs agree on either.
    """

    recipe: str
    reason: str
    images: int
    k: int
    pixels: float
    features: float


def choose_recipe(
    run: Run,
    source: Source,
    plain: Recipe,
    seen: Recipe | None,
    seed: int,
    progress: Progress,
) -> tuple[Recipe, Choice | None]:
    """Choose between a recipe on pixels and one on features.

    Parameters
    ----------
    run : Run
        What it holds was chosen already.
    source : Source
    plain : Recipe
        On pixels.
    seen : Recipe or None
        On the packaged network's features; None where there is nothing to choose.
    seed : int
    progress : Progress

    Returns
    -------
    recipe : Recipe
    choice : Choice or None
        None where there was none: the extra is absent, or the images are too few.
    """
    if seen is None:
        return plain, None
    if (run.path / "run.json").exists():
        stored = run.info.get("choice")
        choice = Choice(**stored) if stored else None
        return (seen if choice and choice.recipe == seen.name else plain), choice
    if not is_installed() or seen.features.network != NAME or len(source) < FEWEST:
        return plain, None
    choice = _compare(source, plain, seen, seed, progress)
    if choice is not None:
        progress.say(f"recipe {choice.recipe}: {choice.reason}")
    return (seen if choice and choice.recipe == seen.name else plain), choice


def _compare(
    source: Source, plain: Recipe, seen: Recipe, seed: int, progress: Progress
) -> Choice | None:
    extractor, device = open_packaged(), choose_device(seen.training.precision)
    size, channels = seen.images.size, {"auto": None, "grey": 1, "colour": 3}[seen.images.channels]
    asked = None if isinstance(size, str) else size
    # Large pictures are looked at small, which takes a third of the time: enough to tell the two.
    fmt = choose_format(source, asked, channels, longest=min(SMALL, extractor.about.side))
    rows = np.unique(np.linspace(0, len(source) - 1, min(SAMPLE, len(source))).astype(int))
    progress.start("comparing pixels with features", 2 * len(rows))
    pixels, headers = look_at_some(source, rows.tolist(), fmt, progress=progress.advance)
    if len(pixels) < FEWEST:
        return None
    widths, heights = np.array([(header.width, header.height) for header in headers]).T
    boxes = inner_boxes(widths, heights, fmt)
    features = extract(extractor, pixels, device, boxes=boxes, on_batch=progress.advance)
    try:
        trees = [
            _tree(table, plain, seed) for table in (linear_codes(pixels, plain, seed), features)
        ]
    except InputError:  # all equal, or no number of clusters to try: the fit will say so
        return None
    finally:
        progress.close()
    return decide(trees, plain.name, seen.name, len(pixels))


def _tree(rows: np.ndarray, recipe: Recipe, seed: int) -> InstantTree:
    k, candidates = candidates_of(recipe.clustering.k)
    return instant_tree(rows.astype(np.float32), k=k, candidates=candidates, seed=seed)


def decide(trees: list[InstantTree], plain: str, seen: str, images: int) -> Choice:
    """Decide by the instant trees on pixels and on features of the same images.

    Few clusters agree easily (light and dark pictures, say), so the agreement of both is measured
    at the larger of the numbers of clusters that they chose. What either chose must be better too:
    by A⁶ · I, the agreement and the information that the runs share, as numbers of clusters are
    ranked by `pictree.clustering.look.look`.

    Parameters
    ----------
    trees : list of InstantTree
        On the pixels, on the features.
    plain, seen : str
        Names of the recipes.
    images : int

    Returns
    -------
    Choice
    """
    panels = [tree.start.look.trees for tree in trees]
    most = min(run.n_leaves for runs in panels for run in runs)
    k = min(max(tree.k for tree in trees), most)
    pixels, features = (agreement_by_k(runs, [k])[k].mean for runs in panels)
    worth = [_worth(tree) for tree in trees]
    is_better = features > pixels + MARGIN and worth[1] > RATIO * worth[0]
    if is_better:
        so = "so features are taken"
    elif features <= pixels:
        so = "so pixels are taken"
    else:
        so = f"not clearly better, so pixels are taken; {TO_HAVE}"
    reason = (
        f"of {images:,} images looked at, in {k} clusters, the runs agree at {pixels:.2f} on "
        f"pixels and at {features:.2f} on features of {NAME}, {so}"
    )
    return Choice(seen if is_better else plain, reason, images, k, pixels, features)


def _worth(tree: InstantTree) -> float:
    found = agreement_by_k(tree.start.look.trees, [tree.k])[tree.k]
    return max(found.mean, 0.0) ** DISTRUST * found.information


def as_json(choice: Choice | None) -> dict[str, Any] | None:
    """Return what run.json says of a choice."""
    return None if choice is None else asdict(choice)
