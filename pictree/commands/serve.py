"""A run as a service."""

from __future__ import annotations

from typing import Annotated

import typer

from pictree.commands.arguments import Cut, Json, RunFolder
from pictree.commands.output import show


def serve(
    run: RunFolder,
    port: Annotated[int, typer.Option(help="0 takes a free one.", min=0, max=65_535)] = 8400,
    host: Annotated[
        str, typer.Option(help="The address to listen at; others than the default let others in.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Another name that clients call this server by; may be given several times.",
            show_default=False,
        ),
    ] = None,
    megabytes: Annotated[int, typer.Option(help="At most, in one request.", min=1)] = 16,
    images: Annotated[int, typer.Option(help="At most, in one request.", min=1)] = 64,
    megapixels: Annotated[int, typer.Option(help="At most, of one picture.", min=1, max=178)] = 50,
    seconds: Annotated[float, typer.Option(help="At most, for one request.", min=0.1)] = 30.0,
    k: Cut = None,
    as_json: Json = False,
) -> None:
    """Answer over HTTP where pictures belong: /predict, /similar, /clusters, /health, /metrics.

    /openapi.json describes it. Nothing of a request is kept. Ctrl-C ends it.

    Example: pictree serve run
    """
    from pictree.serve.limits import Limits
    from pictree.serve.serve import serve as serve_run

    limits = Limits(megabytes, images, megapixels, seconds)
    serve_run(
        run,
        host=host,
        port=port,
        names=name or (),
        k=k,
        limits=limits,
        say=lambda found: show(found, as_json, _served),
    )


def _served(found: dict[str, str]) -> str:
    address = found["address"]
    return (
        f"serving at {address}; {address}/openapi.json describes it\n"
        f"try: curl -F image=@picture.png {address}/predict\n"
        "Ctrl-C ends it."
    )
