"""Naming: the label page of a run."""

from __future__ import annotations

from typing import Annotated

import typer

from pictree.commands.arguments import RunFolder


def label(
    run: RunFolder,
    port: Annotated[
        int | None,
        typer.Option(help="A free one by default.", min=1, max=65_535, show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
) -> None:
    """Open a page on this machine where one decision names hundreds of pictures.

    Every decision is kept in RUN/labels.db at once. Ctrl-C ends it.

    Example: pictree label run
    """
    from pictree.label.serve import serve

    serve(run, port=port, browser=browser, say=lambda text: typer.echo(text))
