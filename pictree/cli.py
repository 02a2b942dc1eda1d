"""The command line: one command per stage, in the order of the flow."""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pictree.errors import PictreeError

DEFAULT_RECIPE = "tree"
_GO_ON = "Run the same command again to go on (`pictree fit`: with --resume)."

app = typer.Typer(
    name="pictree",
    help="From a pile of unlabelled pictures to codes, clusters and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Pictures = Annotated[
    list[str],
    typer.Argument(
        metavar="PICTURES",
        help="A folder, pictures, a quoted glob, a .txt list of paths, zip, tar, IDX(.gz), .npy, "
        ".npz or FILE.npz:KEY; several are taken in order.",
        show_default=False,
    ),
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="A folder made by `pictree fit`.", show_default=False)
]
Codes = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.npy",
        help="Codes by another network: a row of numbers for each file, in their order.",
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
        help="'folders', an IDX label file, a CSV (path,label) or a key of the .npz; for scoring "
        "alone. Give it once for each array file, in their order.",
        show_default=False,
    ),
]
OutputRun = Annotated[
    Path, typer.Option("-o", "--output", metavar="RUN", help="The new run folder.")
]
Seed = Annotated[
    int, typer.Option(help="Same seed, same machine: same bytes.", min=0, max=2**32 - 100)
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if a file was not usable.")]


@app.command()
def demo(
    output: OutputRun = Path("pictree-demo"),
    recipe: Annotated[str, typer.Option(help="Recipe name or TOML file.")] = DEFAULT_RECIPE,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Cluster 10,000 packaged digits, to see what a run gives.

    Example: pictree demo -o demo-run
    """
    data = Path(__file__).parent / "data"
    images = data / "t10k-images-idx3-ubyte.gz"
    _fit([str(images)], output, {"recipe": recipe, "k": "10", "seed": seed}, as_json)


@app.command()
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

    found = scan_pictures(_one_or_more(pictures), output=output, progress=_progress())
    _print(found, as_json, scan_text)
    _exit_if_strict(strict, found)


@app.command()
def fit(
    pictures: Pictures,
    output: OutputRun,
    recipe: Annotated[
        str, typer.Option(help="Recipe name (see `pictree recipes`) or TOML file.")
    ] = DEFAULT_RECIPE,
    k: Annotated[
        str | None,
        typer.Option(help="Clusters: auto, a number, or a range such as 5:40.", show_default=False),
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(metavar="PICTURES", help="Pictures not to train on.", show_default=False),
    ] = None,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    image_size: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="Pixels: 64, or WIDTHxHEIGHT. Chosen from the pictures by default.",
            show_default=False,
        ),
    ] = None,
    colour: Annotated[
        bool | None,
        typer.Option(
            "--colour/--grey",
            help="Channels. Chosen from the pictures by default.",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in RUN.")] = False,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Do the whole chain: learn from these pictures, cluster, judge, draw, report.

    Example: pictree fit photos/ -o run --k auto
    """
    options = {
        "recipe": recipe,
        "k": k,
        "validation": validation,
        "known_labels": known_labels,
        "codes": codes,
        "image_size": image_size,
        "colour": colour,
        "seed": seed,
        "resume": resume,
    }
    found = _fit(pictures, output, options, as_json)
    _exit_if_strict(strict, found)


@app.command()
def report(run: RunFolder, as_json: Json = False) -> None:
    """Write the report of a run again, and say where it is.

    Example: pictree report run
    """
    from pictree.report.page import write_report
    from pictree.store import Run

    opened = Run.open(run)
    with opened.lock():
        file = write_report(opened)
        opened.write_manifest()
    _print({"report": str(file)}, as_json, lambda found: f"report: {found['report']}")


@app.command()
def predict(
    run: RunFolder,
    pictures: Pictures,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="CSV",
            help="Where the table goes; RUN/predictions.csv by default.",
            show_default=False,
        ),
    ] = None,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Say where new pictures belong: cluster, confidence or "unknown", nearest known image.

    Example: pictree predict run new/ -o new.csv
    """
    from pictree.pipeline.predict import predict as predict_pictures
    from pictree.pipeline.text import predict_text

    found = predict_pictures(
        run,
        _one_or_more(pictures),
        output=output,
        known_labels=_one_or_more(known_labels),
        codes=codes,
        progress=_progress(),
    )
    _print(found, as_json, predict_text)
    _exit_if_strict(strict, found)


@app.command()
def add(
    run: RunFolder,
    pictures: Pictures,
    known_labels: KnownLabels = None,
    codes: Codes = None,
    strict: Strict = False,
    as_json: Json = False,
) -> None:
    """Let more pictures join a run: ids and clusters stay, nothing is trained again.

    Each goes to the cluster that `predict` says. Interrupted, the same command goes on.

    Example: pictree add run new/
    """
    from pictree.pipeline.add import add as add_pictures
    from pictree.pipeline.text import add_text

    found = add_pictures(
        run,
        _one_or_more(pictures),
        known_labels=_one_or_more(known_labels),
        codes=codes,
        command=["pictree", *sys.argv[1:]],
        progress=_progress(),
    )
    _print(found, as_json, add_text)
    _exit_if_strict(strict, found)


@app.command()
def cut(
    run: RunFolder,
    k: Annotated[int, typer.Option(help="Number of clusters.", show_default=False)],
    as_json: Json = False,
) -> None:
    """Cut a run's tree into another number of clusters; nothing is trained again.

    Example: pictree cut run --k 20
    """
    from pictree.pipeline.cut import cut as cut_tree
    from pictree.pipeline.text import cut_text

    _print(cut_tree(run, k), as_json, cut_text)


@app.command()
def compare(
    first: RunFolder,
    second: Annotated[Path, typer.Argument(metavar="RUN", help="Another one.")],
    as_json: Json = False,
) -> None:
    """Put two runs side by side, and tell how far their clusters agree.

    Example: pictree compare run-a run-b
    """
    from pictree.pipeline.compare import compare as compare_runs
    from pictree.pipeline.text import compare_text

    _print(compare_runs(first, second), as_json, compare_text)


@app.command()
def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="The recipe to print.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the recipes, or print one as TOML, to copy and change.

    Example: pictree recipes small-98 > mine.toml
    """
    from pictree.recipes.recipe import load_recipe, recipe_names, recipe_text

    if name is not None:
        text = recipe_text(name)
        _print({"name": name, "toml": text}, as_json, lambda found: found["toml"].rstrip())
        return
    found = {name: load_recipe(name).about for name in recipe_names()}
    _print(found, as_json, lambda found: "\n".join(f"{n:12} {about}" for n, about in found.items()))


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what this machine has and what Pictree would use of it.

    Example: pictree doctor
    """
    from pictree.pipeline.doctor import examine
    from pictree.pipeline.text import doctor_text

    _print(examine(), as_json, doctor_text)


def main() -> None:
    """Run the command line; every error is one sentence, never a traceback."""
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    try:
        app()
    except PictreeError as error:
        _fail(str(error), error.exit_code)
    except _StopError as stop:
        _fail(f"stopped. {_GO_ON}", 128 + stop.signal)
    except BrokenPipeError:
        # Whoever read our output has gone; leave as quietly as cat does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        if os.environ.get("PICTREE_DEBUG"):
            raise
        detail = f"{type(error).__name__}: {error}"
        _fail(f"this is a fault of Pictree's ({detail}). PICTREE_DEBUG=1 shows where.", 1)


class _StopError(BaseException):
    """Ctrl-C or SIGTERM; no KeyboardInterrupt, of which Typer makes an exit code of 1."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.signal = number


def _stop(number: int, _: object) -> None:
    raise _StopError(number)


def _fail(text: str, code: int) -> None:
    typer.echo(f"pictree: {text}", err=True)
    sys.exit(code)


def _fit(
    pictures: list[str], output: Path, options: dict[str, Any], as_json: bool
) -> dict[str, Any]:
    from pictree.device import keep_pages
    from pictree.pipeline.fit import fit as fit_pictures
    from pictree.pipeline.options import recipe_of
    from pictree.pipeline.text import fit_text

    keep_pages()
    found = fit_pictures(
        _one_or_more(pictures),
        output,
        recipe=recipe_of(options),
        validation=_one_or_more(options.get("validation")),
        known_labels=_one_or_more(options.get("known_labels")),
        codes=options.get("codes"),
        seed=options["seed"],
        resume=options.get("resume", False),
        command=["pictree", *sys.argv[1:]],
        progress=_progress(),
    )
    _print(found, as_json, fit_text)
    return found


def _one_or_more(pictures: list[str] | None) -> Any:
    return pictures[0] if pictures and len(pictures) == 1 else pictures or None


def _progress() -> Any:
    from pictree.progress import for_people

    return for_people()


def _print(found: dict[str, Any], as_json: bool, as_text: Any) -> None:
    text = json.dumps(found, ensure_ascii=False) if as_json else as_text(found)
    typer.echo(text)


def _exit_if_strict(strict: bool, found: dict[str, Any]) -> None:
    if strict and found["problems"]:
        raise typer.Exit(3)


if __name__ == "__main__":
    main()
