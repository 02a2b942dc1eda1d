"""Labels of a run from a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Json, RunOnDisk
from pictree.commands.output import show


def import_table(
    run: RunOnDisk,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="A .csv or .parquet with path and label.", show_default=False
        ),
    ],
    as_json: Json = False,
) -> None:
    """Give images the labels of a table, such as one that `pictree export` wrote.

    Every step can be undone on the label page.

    Example: pictree labels import run labels.csv
    """
    from pictree.export.labels import import_labels, import_text

    show(import_labels(run, file), as_json, import_text)
