"""See what a pile holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Json, Pictures, Strict
from pictree.commands.output import exit_if_strict, for_people, one_or_more, show


def scan(
    pictures: Pictures,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="CSV", help="Save the whole inventory as CSV."),
    ] = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Count what is there: sizes, modes, broken files, duplicates. Changes nothing.

    Example: pictree scan photos/
    """
    from pictree.pipeline.scan import scan as scan_pictures
    from pictree.pipeline.text import scan_text

    found = scan_pictures(one_or_more(pictures), output=output, progress=for_people())
    show(found, as_json, scan_text)
    exit_if_strict(strict, found)
