"""Naming: the label page of a run, and what was done on a page without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pictree.commands.arguments import Json, RunOnDisk
from pictree.commands.output import show

labels = typer.Typer(
    help="Take in labels: of a page without a server, or of a table.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def label(
    run: RunOnDisk,
    port: Annotated[
        int | None,
        typer.Option(help="A free one by default.", min=1, max=65_535, show_default=False),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page.")] = True,
    static: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Write the page as one file instead, that needs no server.",
            show_default=False,
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Open a page on this machine where one decision names hundreds of pictures.

    Every decision is kept in RUN/labels.db at once. Ctrl-C ends it.

    Example: pictree label run
    """
    if static is not None:
        from pictree.label.static import write_static

        found = write_static(run, static)
        show(found, as_json, lambda f: f"{f['page']}: {f['images']:,} images, {f['megabytes']} MB")
        return
    from pictree.label.serve import serve

    serve(run, port=port, browser=browser, say=lambda found: show(found, as_json, _served))
    if not as_json:
        typer.echo(f"stopped; every label is in {run / 'labels.db'}")


@labels.command()
def apply(
    run: RunOnDisk,
    file: Annotated[
        Path,
        typer.Argument(metavar="LABELS.json", help="What the page saved.", show_default=False),
    ],
    as_json: Json = False,
) -> None:
    """Do on a run what was done on its page without a server; all of it or nothing.

    Example: pictree labels apply run labels.json
    """
    from pictree.label.apply import apply_labels

    show(apply_labels(run, file), as_json, _applied)


def _served(found: dict[str, str]) -> str:
    return (
        f"label page: {found['address']}\n"
        "It is for this machine alone. Ctrl-C ends it; nothing is lost."
    )


def _applied(found: dict[str, int]) -> str:
    done, images = found["labelled"], found["images"]
    return f"{found['actions']} actions; {done:,} of {images:,} images labelled"
