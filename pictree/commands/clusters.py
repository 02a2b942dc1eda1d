"""A run's clusters: cut anew, compared with another run's."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Json, RunFolder, RunPlace, fetched_run
from pictree.commands.output import show


def cut(
    run: RunPlace,
    k: Annotated[int, typer.Option(help="Number of clusters.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Cut a run's tree into another number of clusters; nothing is trained again.

    Example: pictree cut run --k 20
    """
    from pictree.pipeline.away import edited
    from pictree.pipeline.cut import cut as cut_tree
    from pictree.pipeline.text import cut_text

    with edited(run) as home:
        found = home.told(cut_tree(home.folder, k))
    show(found, as_json, cut_text)


def compare(
    first: RunFolder,
    second: Annotated[
        Path, typer.Argument(metavar="RUN", help="Another one.", callback=fetched_run)
    ],
    as_json: Json = False,
) -> None:
    """Put two runs side by side, and tell how far their clusters agree.

    Example: pictree compare run-a run-b
    """
    from pictree.pipeline.compare import compare as compare_runs
    from pictree.pipeline.text import compare_text

    show(compare_runs(first, second), as_json, compare_text)
