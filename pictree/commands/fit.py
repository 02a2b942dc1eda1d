"""Fit a run: from the packaged pictures, or from the user's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pictree.commands.arguments import (
    DEFAULT_RECIPE,
    Codes,
    Engine,
    Features,
    Json,
    KnownLabels,
    OutputRun,
    Pictures,
    Seed,
    Strict,
)
from pictree.commands.output import exit_if_strict, for_people, one_or_more, show


def demo(
    output: OutputRun = Path("pictree-demo"),
    recipe: Annotated[str, typer.Option(help="Recipe name or TOML file.")] = DEFAULT_RECIPE,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Cluster 10,000 packaged digits, to see what a run gives.

    Example: pictree demo -o demo-run
    """
    data = Path(__file__).parent.parent / "data"
    images = data / "t10k-images-idx3-ubyte.gz"
    _run([str(images)], output, {"recipe": recipe, "k": "10", "seed": seed}, as_json)


def fit(
    pictures: Pictures,
    output: OutputRun,
    recipe: Annotated[
        str,
        typer.Option(
            help="Recipe name (see `pictree recipes`) or TOML file; auto is tree, or photos where "
            "the extra of that name is installed and clusters from its features agree better."
        ),
    ] = "auto",
    k: Annotated[
        str | None,
        typer.Option(help="Clusters: auto, a number, or a range such as 5:40.", show_default=False),
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(metavar="PICTURES", help="Pictures not to train on.", show_default=False),
    ] = None,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    features: Features = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Pixels: 64, or WIDTHxHEIGHT. Chosen from the pictures by default.",
            show_default=False,
        ),
    ] = None,
    colour: Annotated[
        bool | None,
        typer.Option(
            "--colour/--grey",
            help="Channels. Chosen from the pictures by default.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    engine: Engine = "local",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")] = False,
    track: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND",
            help="Let another tool have the figures: tensorboard=FOLDER, mlflow or mlflow=URI.",
            show_default=False,
        ),
    ] = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Do the whole chain: learn from these pictures, cluster, judge, draw, report.

    Example: pictree fit photos/ -o run --k auto
    """
    options = {
        "recipe": recipe,
        "k": k,
        "validation": validation,
        "known_labels": known_labels,
        "codes": codes,
        "features": features,
        "image_size": image_size,
        "colour": colour,
        "seed": seed,
        "resume": resume,
        "track": track,
        "engine": engine,
    }
    found = _run(pictures, output, options, as_json)
    exit_if_strict(strict, found)


def _run(
    pictures: list[str], output: Path, options: dict[str, Any], as_json: bool
) -> dict[str, Any]:
    from pictree.device import keep_pages
    from pictree.pipeline.fit import fit as fit_pictures
    from pictree.pipeline.options import recipes_of
    from pictree.pipeline.text import fit_text
    from pictree.tracking.open import tracked

    keep_pages()
    (recipe, otherwise), seed = recipes_of(options), options["seed"]
    with tracked(for_people(), options.get("track") or (), output, recipe, seed) as progress:
        found = fit_pictures(
            one_or_more(pictures),
            output,
            recipe=recipe,
            otherwise=otherwise,
            validation=one_or_more(options.get("validation")),
            known_labels=one_or_more(options.get("known_labels")),
            codes=options.get("codes"),
            seed=seed,
            resume=options.get("resume", False),
            engine=options.get("engine", "local"),
            command=["pictree", *sys.argv[1:]],
            progress=progress,
        )
        progress.end(found)
    show(found, as_json, fit_text)
    return found
