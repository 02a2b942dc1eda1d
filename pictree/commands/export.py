"""A run in the form of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Cut, Json, RunFolder
from pictree.commands.output import for_people, show


def export(
    run: RunFolder,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="folders, csv, parquet, imagefolder, labelstudio, coco, fiftyone or "
            "embedding-atlas.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="OUT", help="The new file or folder.")
    ],
    how: Annotated[
        str, typer.Option(help="How pictures get there: copy, hardlink or symlink; never moved.")
    ] = "copy",
    only: Annotated[str, typer.Option(help="all, or labelled ones.")] = "all",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; list what would be done.")
    ] = False,
    k: Cut = None,
    as_json: Json = False,
) -> None:
    """Write clusters and labels for another tool; the pictures stay where they are.

    Example: pictree export run --to folders --how symlink -o sorted
    """
    from pictree.export.export import export as export_run
    from pictree.export.export import export_text

    found = export_run(
        run, to, output, how=how, only=only, dry_run=dry_run, k=k, progress=for_people()
    )
    show(found, as_json, export_text)
