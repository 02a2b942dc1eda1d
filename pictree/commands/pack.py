"""Loose files into shards."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Engine, Json, Pictures, Strict
from pictree.commands.output import exit_if_strict, for_people, one_or_more, show


def pack(
    pictures: Pictures,
    output: Annotated[
        Path,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="The new folder.", show_default=False
        ),
    ],
    engine: Engine = "local",
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Copy loose picture files into tar files (WebDataset), to be used in their place.

    Ids, names and bytes stay. Interrupted, the same command goes on.

    Example: pictree pack photos/ -o packed
    """
    from pictree.pipeline.pack import pack as pack_pictures
    from pictree.pipeline.pack import pack_text

    found = pack_pictures(one_or_more(pictures), output, engine=engine, progress=for_people())
    show(found, as_json, pack_text)
    exit_if_strict(strict, found)
