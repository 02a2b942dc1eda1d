"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from pictree.errors import InputError

Pictures = Annotated[
    list[str],
    typer.Argument(
        metavar="PICTURES",
        help="A folder, pictures, a quoted glob, a .txt list of paths, zip, tar, IDX(.gz), .npy, "
        ".npz, Parquet, HDF5 or FILE:KEY of these three, a TIFF stack, a data set saved by "
        "Hugging Face, a pack; several are taken in order. s3://, gs:// and the like with "
        "pictree[cloud], pictree[gcs].",
        show_default=False,
    ),
]
Codes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npy",
        help="Codes by another network: a row of numbers for each file, in their order.",
        show_default=False,
    ),
]
Features = Annotated[
    str | None,
    typer.Option(
        metavar="NETWORK",
        help="Codes are the features of a network that was trained elsewhere: efficientnet-lite0, "
        "timm:NAME, or a .safetensors or .onnx file.",
        show_default=False,
    ),
]
Cut = Annotated[
    int | None,
    typer.Option(
        "--k",
        help="Of a cut that `pictree cut` made; the fit's own clusters by default.",
        show_default=False,
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output, nothing else.")
]
KnownLabels = Annotated[
    list[str] | None,
    typer.Option(
        "--known-labels",
        metavar="LABELS",
        help="'folders', an IDX label file, a CSV (path,label), a key or column of the file, or "
        "'cls' (WebDataset); for scoring alone. Give it once for each array file, in their order.",
        show_default=False,
    ),
]
Engine = Annotated[
    str,
    typer.Option(
        metavar="local|processes|ray",
        help="Who reads the pictures and computes the codes: this process, several, or the Ray "
        "cluster at RAY_ADDRESS. The same bytes.",
    ),
]


def is_address(path: Path) -> bool:
    """Tell whether this was an address before it was made a path."""
    return bool(re.match(r"[A-Za-z][\w+.-]+:/", str(path)))


def _on_disk(path: Path) -> Path:
    """Refuse an address."""
    if is_address(path):
        raise InputError(
            "this needs a run folder on a disk of this machine",
            got=str(path).replace(":/", "://", 1),
            do="Copy the run there with the service's own tools, then run `pictree verify` on it",
        )
    return path


def fetched_run(context: typer.Context, path: Path) -> Path:
    """Copy a run from its address for as long as the command lasts."""
    if not is_address(path):
        return path
    from pictree.pipeline.away import fetched

    return context.with_resource(fetched(path))


RunFolder = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="A folder made by `pictree fit`, or its address.",
        show_default=False,
        callback=fetched_run,
    ),
]
RunOnDisk = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="A folder made by `pictree fit`.", show_default=False, callback=_on_disk
    ),
]
RunPlace = Annotated[
    Path,
    typer.Argument(
        metavar="RUN", help="A folder made by `pictree fit`, or its address.", show_default=False
    ),
]
OutputRun = Annotated[
    Path,
    typer.Option(
        "-o",
        "--output",
        metavar="RUN",
        help="The new run folder, or its address: s3:// and the like with pictree[cloud].",
    ),
]
Seed = Annotated[
    int, typer.Option(help="Same seed, same machine: same bytes.", min=0, max=2**32 - 100)
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if a file was not usable.")]

DEFAULT_RECIPE = "tree"
