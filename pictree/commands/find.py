"""Odd pictures of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Json, RunFolder
from pictree.commands.output import show


def find(
    what: Annotated[
        str,
        typer.Argument(
            metavar="WHAT",
            help="duplicates, leaks, outliers, label-errors, blurred, dark or odd-sizes.",
            show_default=False,
        ),
    ],
    run: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="CSV", help="Save all rows.", show_default=False),
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(
            metavar="SPLITS",
            help="For leaks: a CSV (path,split), or a key or column of the pictures' file; by "
            "default folders named train and test, or --validation.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Find pictures that are twice there, apart, blurred, dark, of odd size, or labelled wrongly.

    leaks are pictures of one split (train, test) that are there again, or nearly, in another.
    Nothing is changed. label-errors alone looks at known labels.

    Example: pictree find duplicates run -o twice.csv
    """
    from pictree.pipeline.find import find as find_things
    from pictree.pipeline.find_text import find_text

    show(find_things(run, what, output=output, splits=splits), as_json, find_text)
