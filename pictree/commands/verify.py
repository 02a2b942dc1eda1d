"""Whether a run's files are as they were written."""

from __future__ import annotations

from typing import Annotated

import typer

from pictree.commands.arguments import Json, RunOnDisk
from pictree.commands.output import for_people, show


def verify(
    run: RunOnDisk,
    repair: Annotated[
        bool, typer.Option("--repair", help="Make damaged files again from the others.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check every file of a run against its manifest; exit with 3 if one is damaged or missing.

    Nothing is changed without --repair. A file made again is put in its place only if it is, to
    the byte, what the manifest says. Labels are never touched.

    Example: pictree verify run --repair
    """
    from pictree.pipeline.verify import verify as verify_run
    from pictree.pipeline.verify_text import verify_text

    found = verify_run(run, mend=repair, progress=for_people())
    show(found, as_json, verify_text)
    if found["left"]:
        raise typer.Exit(3)
