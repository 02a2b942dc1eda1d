"""New pictures: where they belong, and letting them join."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import (
    Codes,
    Cut,
    Engine,
    Features,
    Json,
    KnownLabels,
    Pictures,
    RunPlace,
    Strict,
    is_address,
)
from pictree.commands.output import exit_if_strict, for_people, one_or_more, show


def predict(
    run: RunPlace,
    pictures: Pictures,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="CSV",
            help="Where the table goes; RUN/predictions.csv by default, of a run at an address "
            "predictions.csv here.",
            show_default=False,
        ),
    ] = None,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    features: Features = None,
    k: Cut = None,
    engine: Engine = "local",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Say where new pictures belong: cluster, confidence or "unknown", nearest known image.

    Example: pictree predict run new/ -o new.csv
    """
    from pictree.pipeline.away import fetched
    from pictree.pipeline.predict import predict as predict_pictures
    from pictree.pipeline.shelf import address_of
    from pictree.pipeline.text import predict_text

    if output is None and is_address(run):
        output = Path("predictions.csv")
    with fetched(run) as folder:
        found = predict_pictures(
            folder,
            one_or_more(pictures),
            output=output,
            known_labels=one_or_more(known_labels),
            codes=codes,
            features=features,
            k=k,
            engine=engine,
            address=address_of(run),
            progress=for_people(),
        )
    show(found, as_json, predict_text)
    exit_if_strict(strict, found)


def add(
    run: RunPlace,
    pictures: Pictures,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    features: Features = None,
    engine: Engine = "local",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Let more pictures join a run: ids and clusters stay, nothing is trained again.

    Each goes to the cluster that `predict` says. Interrupted, the same command goes on.

    Example: pictree add run new/
    """
    from pictree.pipeline.add import add as add_pictures
    from pictree.pipeline.away import edited
    from pictree.pipeline.shelf import address_of
    from pictree.pipeline.text import add_text

    with edited(run) as home:
        found = add_pictures(
            home.folder,
            one_or_more(pictures),
            known_labels=one_or_more(known_labels),
            codes=codes,
            features=features,
            engine=engine,
            address=address_of(run),
            command=["pictree", *sys.argv[1:]],
            progress=for_people(),
        )
    found = home.told(found)
    show(found, as_json, add_text)
    exit_if_strict(strict, found)
