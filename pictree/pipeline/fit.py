"""The whole flow: pictures → inventory → network → codes → clusters → judgement → maps → report."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from pictree.clustering.instant import Start
from pictree.device import return_pages
from pictree.engine.base import Engine
from pictree.engine.choose import open_engine
from pictree.features.base import Extractor
from pictree.files import remove_leftovers
from pictree.images.known_labels import read_known_labels
from pictree.pipeline import codes as given_codes
from pictree.pipeline import draw, group, hardware, judge, learn, stock
from pictree.pipeline import features as seen
from pictree.pipeline.adopt import adopt
from pictree.pipeline.away import home_of
from pictree.pipeline.begin import announce, begin, specs_of
from pictree.pipeline.choice import as_json, choose_recipe
from pictree.pipeline.dec import dec
from pictree.pipeline.pairs import pairs
from pictree.pipeline.pile import Pile, open_both
from pictree.pipeline.renew import renew
from pictree.pipeline.rounds import rounds
from pictree.progress import Progress
from pictree.reading import MANIFEST
from pictree.recipes.recipe import Recipe
from pictree.report.page import write_report
from pictree.store import Run


def fit(
    pictures: Any,
    out: str | os.PathLike[str],
    *,
    recipe: Recipe,
    otherwise: Recipe | None = None,
    validation: Any = None,
    known_labels: Sequence[str] | str | None = None,
    codes: Any = None,
    seed: int = 0,
    resume: bool = False,
    engine: str = "local",
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Make a run folder from pictures.

    Parameters
    ----------
    pictures : str, path, array or list of these
        See `pictree.images.sources.open_source`.
    out : path-like or str
        The run folder, or its address (see `pictree.pipeline.away`); new or empty, unless `resume`.
    recipe : Recipe
        What is trained, clustered and drawn.
    otherwise : Recipe, optional
        On the packaged network's features: taken in its place where the extra ``photos`` is
        installed and the runs agree better so; see `pictree.pipeline.choice.decide`.
    validation : like `pictures`, optional
        Pictures that are not trained on, for the validation loss and, where the recipe says so,
        for clustering.
    known_labels : str or list of str, optional
        See `pictree.images.known_labels.read_known_labels`. For scoring alone. Label files that
        lie beside IDX files are taken, and announced, when this is None.
    codes : path-like or array, shape (n, d), optional
        Codes that another network made, in place of ours: nothing is trained. A row for each
        file, or for each image that is used, in the order of the inventory. See
        `pictree.pipeline.codes.open_codes`.
    seed : int
        The same seed gives the same bytes on the same machine.
    resume : bool
        Go on with the run in `out`, where there is one.
    engine : {"local", "processes", "ray"}
        Who reads the pictures and computes the codes, shard by shard; the bytes are the same.
        A run may go on with another. See ``docs/scale.md``.
    command : sequence of str
        The command line, for the record.
    progress : Progress, optional
        Told what happens; silent by default.

    Returns
    -------
    dict
        What ``pictree fit --json`` prints; see `summary`.

    Raises
    ------
    SourceError
        If the pictures or the known labels can't be read.
    InputError
        If the codes are no such table.
    RunError
        If the folder is taken, in use, damaged, or was begun with other settings.
    """
    progress = progress or Progress()
    given = None if codes is None else given_codes.open_codes(codes)
    pile = None if engine == "local" else Pile.of(engine, pictures, validation)
    with (
        open_engine(engine, progress) as workers,
        progress,
        home_of(out, resume=resume, progress=progress) as home,
        (run := Run(home.folder)).lock(),
    ):
        if not resume:
            run.refuse_if_taken()
        remove_leftovers(run.path)
        source, train_items = open_both(pictures, validation)
        known_specs = specs_of(known_labels, source, progress)
        known = read_known_labels(known_specs, source)
        otherwise = otherwise if given is None else None
        recipe, choice = _choose(run, source, recipe, otherwise, seed, progress)
        extractor = seen.open_for(recipe) if given is None else None
        begin(run, source, recipe, known_specs, given, extractor, seed, command)
        if choice and "choice" not in run.info:
            run.update(**choice)
        announce(run, source, progress)
        device, workers = learn.device_for(recipe), home.staffed(workers)
        run.update(device=None if given else asdict(device))
        take_stock = partial(
            stock.stock,
            run.fitted(),
            source,
            train_items=train_items,
            known=known,
            recipe=recipe,
            progress=progress,
            engine=workers,
            pile=pile,
        )
        others = given or extractor
        stages = stages_of(run, take_stock, recipe, others, device, seed, progress, workers)
        home.keep()
        run_stages(run, stages, progress, home.keep)
        return home.told(summary(run))


def _choose(
    run: Run, source: Any, recipe: Recipe, otherwise: Recipe | None, seed: int, progress: Progress
) -> tuple[Recipe, dict[str, Any]]:
    """Return the recipe, and what the run tells of the choice where there was one."""
    begun = time.perf_counter()
    recipe, choice = choose_recipe(run, source, recipe, otherwise, seed, progress)
    if choice is None:
        return recipe, {}
    took = {"state": "done", "seconds": round(time.perf_counter() - begun, 3)}
    return recipe, {"choice": as_json(choice), "stages": {"choose": took}}


Stages = dict[str, Callable[[], Any]]
"""By name, in order."""


def run_stages(run: Run, stages: Stages, progress: Progress, keep: Any = None) -> None:
    """Run each stage that is not done yet, calling `keep` after it; write the report."""
    whole, run = run, run.fitted()
    run.plan(stages)
    for name, step in stages.items():
        if run.done(name):
            continue
        if (run.path / MANIFEST).exists():
            (run.path / MANIFEST).unlink()  # what it lists is not all there just now
        if name in ("rounds", "maps"):
            first_report(whole, progress)
        with run.stage(name):
            step()
        if keep is not None:
            keep()
        return_pages()
    run.update(peak_mb=hardware.peak_mb())
    # Not a stage: the report shows the seconds of all stages.
    progress.start("writing the report", 1)
    if run.info.get("added"):
        renew(whole)
    else:
        write_report(run)
        run.write_manifest()
    progress.close()


def stages_of(
    run: Run,
    take_stock: Callable[[], Any],
    recipe: Recipe,
    others: given_codes.GivenCodes | Extractor | None,
    device: Any,
    seed: int,
    progress: Progress,
    engine: Engine | None = None,
) -> Stages:
    """Return the stages of a recipe; the first, `take_stock`, alone needs the source.

    `others` are codes from outside, or the network whose features are codes, in place of ours; a
    run on features opens its network again where it is not given.
    """
    run = run.fitted()
    coding: Stages = {
        "learn": lambda: learn.learn(run, recipe, device, seed, progress, engine),
        "encode": lambda: learn.encode(run, device, progress, engine),
    }
    if isinstance(others, given_codes.GivenCodes):
        coding = {"codes": lambda: given_codes.take(run, others, progress)}
    elif run.info.get("features"):
        coding = {"features": lambda: seen.take(run, others, recipe, device, progress)}
    kept: dict[str, Any] = {}
    is_learning = recipe.learning is not None and given_codes.has_autoencoder(run)
    learning = {
        "rounds": lambda: _learn_more(run, recipe, seed, kept.get("start"), progress, engine),
        "adopt": lambda: adopt(run, recipe, seed),
        "judge again": lambda: judge.judge(run, recipe, seed, progress),
    }
    return {
        "stock": take_stock,
        **coding,
        "group": lambda: kept.update(start=group.group(run, recipe, device, seed, progress)),
        "judge": lambda: judge.judge(
            run, recipe, seed, progress, is_first=is_learning and not run.done("adopt")
        ),
        **(learning if is_learning else {}),
        "maps": lambda: draw.draw_maps(run, recipe, seed, progress),
    }


def _learn_more(
    run: Run, recipe: Recipe, seed: int, start: Start | None, progress: Progress, engine: Any
) -> None:
    """Learn after the first clusters, as the recipe says."""
    if recipe.learning == "dec":
        dec(run, recipe, seed, progress, engine)
    elif recipe.learning == "pairs":
        pairs(run, recipe, seed, start, progress)
    else:
        rounds(run, recipe, seed, start, progress)


def first_report(run: Run, progress: Progress) -> None:
    """Write the report of what is there already, and say where it is.

    The clusters and metrics.json must be there. The page says which stages of run.json are still
    to come; it draws no pictures/, so that the last report finds nothing that is out of date.
    """
    progress.start("writing the first report", 1)
    path = write_report(run)
    progress.close()
    progress.say(f"first report: {path}")


def _chosen(run: Run) -> str:
    learned = run.info.get("rounds", {}).get("kept") or (run.path / "checkpoints").exists()
    return "trained" if learned else "instant"


def summary(run: Run) -> dict[str, Any]:
    """Return the figures of a finished run, as ``pictree fit --json`` prints them.

    Returns
    -------
    dict
        run, recipe, chosen, images, used, k, k_shortlist, silhouette, agreement, seconds,
        peak_mb, report, codes (file name, where they were given), advice (sentences, where there
        are any) and, with known labels, acc, ari, nmi, purity, leaf_purity, leaves and effort
        (None without a tree).
    """
    metrics, info = run.metrics, run.info
    found = {
        "run": str(run.path),
        "recipe": info["recipe"],
        "chosen": _chosen(run),
        **{key: metrics[key] for key in ("images", "used", "duplicates", "problems", "k")},
        "first_pages": metrics.get("first_pages", 0),  # runs made before it was counted
        "k_shortlist": metrics["k_shortlist"],
        "silhouette": metrics["silhouette"],
        "agreement": metrics["agreement"],
        "loss": metrics["loss"],
        "validation_loss": metrics["validation_loss"],
        "seconds": round(sum(stage["seconds"] for stage in info["stages"].values()), 2),
        "peak_mb": info["peak_mb"],
        "report": str(run.path / "report.html"),
    }
    if info.get("codes"):
        found["codes"] = info["codes"]["file"]
    if info.get("features"):
        found["features"] = info["features"]["network"]
    if info.get("choice"):
        found["choice"] = info["choice"]
    if metrics.get("advice"):
        found["advice"] = metrics["advice"]
    scores = metrics["scores"]
    if scores:
        # Without a tree the clusters are the leaves.
        leaves = metrics["leaves"] or metrics["k"]
        pure = scores["purity"] if metrics["leaf_purity"] is None else metrics["leaf_purity"]
        found |= {**scores, "leaf_purity": pure, "leaves": leaves}
        found["effort"] = metrics.get("effort")
    return found
