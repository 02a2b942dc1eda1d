"""The model of a run for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Cut, Json, RunPlace, is_address
from pictree.commands.output import show


def export_model(
    run: RunPlace,
    to: Annotated[
        str, typer.Option(metavar="FORMAT", help="onnx or torch-export.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            help="The new folder; RUN-FORMAT by default, of a run at an address here.",
            show_default=False,
        ),
    ] = None,
    k: Cut = None,
    as_json: Json = False,
) -> None:
    """Write encoder and clusters for another runtime, with preprocessing and a model card.

    Example: pictree export-model run --to onnx -o model
    """
    from pictree.deploy.export import export_model as export
    from pictree.deploy.export import export_text
    from pictree.pipeline.away import fetched

    if output is None and is_address(run):
        output = Path(f"{run.name}-{to}")
    with fetched(run) as folder:
        found = export(folder, to, output, k=k)
    show(found, as_json, export_text)
