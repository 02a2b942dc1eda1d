"""Stage 5: how good the clusters are, beside what plain methods reach on the same images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.flat import labels_by_seed
from pictree.evaluation.agreement import contents, purity, score
from pictree.evaluation.baselines import FLOORS, baselines, seed_agreement
from pictree.evaluation.effort import effort
from pictree.evaluation.separation import silhouette
from pictree.images.batches import batches
from pictree.images.inventory import summary as inventory_summary
from pictree.pipeline.codes import has_autoencoder
from pictree.pipeline.group import rows_to_cluster
from pictree.pipeline.verdict import verdict, way_out
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run

_SAMPLE = 20_000
"""Images that seed agreement and baselines are fitted on, where there are more."""
_SEEDS = (0, 1, 2)
_LONGEST = 64
_BATCH = 256


def judge(
    run: Run, recipe: Recipe, seed: int, progress: Progress, *, is_first: bool = False
) -> None:
    """Write metrics.json: silhouette, agreement, scores with known labels, baselines, verdict.

    The first of two judgements, for the first report, leaves the baselines out: they take longer
    than all else.
    """
    progress.start("judging", 4)
    rows, clustered = rows_to_cluster(run, recipe)
    labels, codes, k = run.labels()[rows], run.array("codes"), run.info["k"]
    apart = silhouette(codes[rows], labels, seed=seed)
    progress.advance()
    known = run.used()["known_label"].to_list()
    agreement = run.info["agreement"]
    if agreement is None:
        agreement = _agreement(codes, rows, recipe, k, seed)
    progress.advance()
    plain = (
        [] if is_first else _baselines(run, rows, k, known, seed) + _floor(run, recipe, clustered)
    )
    progress.advance()
    found, advice = _scores(run, clustered), way_out(run, agreement)
    metrics = {
        **_counts(run),
        "method": "dec" if run.clusters_name.startswith("dec-") else recipe.clustering.method,
        "k": k,
        "k_shortlist": run.info["k_shortlist"],
        "clustered": clustered,
        "silhouette": apart.value,
        "silhouette_sample": apart.n,
        "silhouette_reason": apart.reason,
        "agreement": agreement,
        **found,
        **_leaves(run, known),
        "effort": _effort(run, known, seed),
        "baselines": plain,
        "verdict": verdict(found["scores"], plain, agreement, is_tree=run.has_tree) + advice,
        "advice": advice,
        **_losses(run),
        "image_format": run.info["image_format"],
    }
    run.write_metrics(metrics)
    progress.close()


def renewed(run: Run) -> dict[str, Any]:
    """Return the metrics of a run to which pictures were added: they are counted, not judged.

    The counts and what each cluster holds are of all pictures; ``added`` has, for each entry of
    run.json's ``added``, the scores of its pictures, or None without known labels. All else is
    the fit's.
    """
    metrics, table = run.metrics, run.assignments().join(run.inventory(), on="id").sort("id")
    shown = pl.lit(True)
    if metrics["clustered"] != "all":
        shown = pl.col("split").is_in([metrics["clustered"], "added"])
    scores, first = [], run.info["items"]
    for pile in run.info["added"]:
        ids = pl.col("id").is_between(first, first + pile["items"], closed="left")
        scores.append(_score(table.filter(ids)))
        first += pile["items"]
    held = _held_contents(table.filter(shown))
    return {**metrics, **_counts(run), "contents": held, "added": scores}


def _counts(run: Run) -> dict[str, Any]:
    counted = inventory_summary(run.inventory())
    return {
        "images": counted["files"],
        "used": counted["used"],
        "duplicates": counted["duplicates"],
        "first_pages": counted["first_pages"],
        "problems": counted["problems"],
    }


def _agreement(codes: Any, rows: np.ndarray, recipe: Recipe, k: int, seed: int) -> float | None:
    """Mean adjusted Rand index between three seeds' clusterings of (a sample of) the codes."""
    part = recipe.clustering
    if part.method == "hdbscan" or len(rows) < 2:  # it has no seed to change
        return None
    sample = rows
    if len(rows) > _SAMPLE:
        sample = np.sort(np.random.default_rng(seed).choice(rows, _SAMPLE, replace=False))
    fitted = codes[sample]
    seeds = [seed + 1 + s for s in _SEEDS]
    return seed_agreement(
        labels_by_seed(fitted, part.method, k, standardise=part.standardise, seeds=seeds)
    )


def _baselines(
    run: Run, rows: np.ndarray, k: int, known: list[str | None], seed: int
) -> list[dict[str, Any]]:
    if k < 1 or len(rows) < 2:
        return []
    pixels = _SmallImages(run.array("pixels"), rows)
    labels = [known[i] for i in rows]
    seeds = tuple(seed + s for s in _SEEDS)
    has_known = any(label is not None for label in labels)
    given = None if has_autoencoder(run) else run.array("codes")[rows]
    found = baselines(
        pixels, k, labels if has_known else None, codes=given, seeds=seeds, sample=_SAMPLE
    )
    return [asdict(baseline) for baseline in found]


class _SmallImages:
    """Some images of a run, read when they are asked for; see `small_rows`."""

    def __init__(self, pixels: Any, rows: np.ndarray) -> None:
        self._pixels, self._rows = pixels, rows

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, part: np.ndarray) -> np.ndarray:
        return small_rows(self._pixels, self._rows[part])


def small_rows(pixels: Any, rows: np.ndarray) -> np.ndarray:
    """Return images as rows of pixels, averaged in squares where a side is above 64."""
    times = -(-max(pixels.shape[1:3]) // _LONGEST)
    if times == 1:
        return pixels[rows].reshape(len(rows), -1)
    height, width = (side // times * times for side in pixels.shape[1:3])
    squares = (len(rows), height // times, times, width // times, times, pixels.shape[3])
    found = np.empty((squares[0], squares[1], squares[3], squares[5]), np.uint8)
    for part in batches(len(rows), _BATCH):
        cut = pixels[rows[part]][:, :height, :width]
        found[part] = np.rint(cut.reshape(len(part), *squares[1:]).mean(axis=(2, 4)))
    return found.reshape(len(rows), -1)


def _floor(run: Run, recipe: Recipe, clustered: str) -> list[dict[str, Any]]:
    """Return what learning had to beat, as one more baseline."""
    if "instant" not in run.info:
        return []
    scores = _scores(run, clustered, run.info["instant"])["scores"] or {}
    agreement, name = run.info["rounds"]["started"], FLOORS[recipe.clustering.method]
    return [{"name": name, "scores": scores, "deviations": {}, "agreement": agreement}]


def _scores(run: Run, clustered: str, name: str | None = None) -> dict[str, Any]:
    """Score the images that were clustered, and those that were only predicted, apart.

    Duplicates count: a person who labels a pile labels them too.
    """
    table = run.assignments(name).join(run.inventory(), on="id").sort("id")
    is_fitted = pl.lit(True) if clustered == "all" else pl.col("split") == clustered
    fitted, others = table.filter(is_fitted), table.filter(~is_fitted)
    held = _held_contents(fitted)
    return {"scores": _score(fitted), "held_out": _score(others), "contents": held}


def _score(table: pl.DataFrame) -> dict[str, float] | None:
    if table["known_label"].null_count() == len(table):
        return None
    return score(table["cluster"].to_numpy(), table["known_label"].to_list())


def _leaves(run: Run, known: list[str | None]) -> dict[str, Any]:
    """Count the tree's leaves, and measure their purity where labels are known."""
    if not run.has_tree:
        return {"leaves": None, "leaf_purity": None}
    tree = run.arrays("tree.npz")
    labels = [known[row] for row in tree["rows"]]
    has_known = any(label is not None for label in labels)
    pure = purity(tree["leaves"], labels) if has_known else None
    return {"leaves": int(tree["leaves"].max()) + 1, "leaf_purity": pure}


def _effort(run: Run, known: list[str | None], seed: int) -> dict[str, Any] | None:
    """Measure what the tree saves the person who labels the images that it was made of."""
    if not run.has_tree:
        return None
    tree, codes = run.arrays("tree.npz"), run.array("codes")
    rows = tree["rows"]
    labels = [known[row] for row in rows]
    if all(label is None for label in labels):
        return None
    fitted = codes if len(rows) == len(codes) else codes[rows]
    found = effort(tree["leaves"], tree["children"], labels, fitted, k=run.info["k"], seed=seed)
    return asdict(found)


def _held_contents(table: pl.DataFrame) -> list[dict[str, Any]] | None:
    if table["known_label"].null_count() == len(table):
        return None
    found = contents(table["cluster"].to_numpy(), table["known_label"].to_list())
    return [{**asdict(held), "in_words": held.in_words} for held in found]


def _losses(run: Run) -> dict[str, Any]:
    if not has_autoencoder(run):
        return {"reconstruction_error": None, "loss": None, "validation_loss": None}
    errors, log = run.array("errors")[:], run.log()
    last = log[-1] if log else {"loss": None, "validation_loss": None}
    return {
        "reconstruction_error": {
            "mean": float(errors.mean()),
            "median": float(np.median(errors)),
            "worst": float(errors.max()),
        },
        "loss": last["loss"],
        "validation_loss": last["validation_loss"],
    }
