"""The command line: the commands in the order of the flow, errors and signals."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import typer

from pictree.commands.about import doctor, recipes
from pictree.commands.clusters import compare, cut
from pictree.commands.export import export
from pictree.commands.find import find
from pictree.commands.fit import demo, fit
from pictree.commands.label import label, labels
from pictree.commands.labels import import_table
from pictree.commands.model import export_model
from pictree.commands.pack import pack
from pictree.commands.place import add, predict
from pictree.commands.plan import plan
from pictree.commands.report import report
from pictree.commands.scan import scan
from pictree.commands.serve import serve
from pictree.commands.stopping import StopError, listen, tell
from pictree.commands.verify import verify
from pictree.errors import PictreeError

app = typer.Typer(
    name="pictree",
    help="From a pile of unlabelled pictures to codes, clusters and a report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    demo,
    scan,
    pack,
    plan,
    fit,
    report,
    label,
    predict,
    add,
    cut,
    compare,
    find,
    export,
    export_model,
    serve,
    verify,
    recipes,
    doctor,
):
    app.command()(_command)
labels.command(name="import")(import_table)
app.add_typer(labels, name="labels")


def main() -> None:
    """Run the command line; every error is one sentence, never a traceback."""
    listen()
    _take_any_output()
    try:
        app()
    except PictreeError as error:
        _fail(str(error), error.exit_code)
    except StopError as stop:
        tell()
        sys.exit(stop.exit_code)
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        if os.environ.get("PICTREE_DEBUG"):
            raise
        _fail(_storage(error), 2)
    except Exception as error:
        if os.environ.get("PICTREE_DEBUG"):
            raise
        detail = f"{type(error).__name__}: {error}"
        _fail(f"this is a fault of Pictree's ({detail}). PICTREE_DEBUG=1 shows where.", 1)


def _take_any_output() -> None:
    """Write whatever there is to write on: a closed output, or one that can't show every name."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # closed before we came
            nothing = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - until the end
            setattr(sys, name, nothing)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _storage(error: OSError) -> str:
    """Say what the disk refused where no stage has said it better."""
    what = error.filename if error.filename is not None else "what Pictree reads and writes"
    return (
        f"{what} must be readable and writable; got '{error.strerror or error}'. "
        f"Mend that, then run the same command again (`pictree fit`: with --resume)."
    )


def _leave_quietly() -> None:
    """Leave as quietly as cat does: whoever read our output has gone."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BrokenPipeError:
            os.dup2(nothing, stream.fileno())
    sys.exit(1)


def _fail(text: str, code: int) -> None:
    try:
        typer.echo(f"pictree: {text}", err=True)
    except BrokenPipeError:
        _leave_quietly()
    sys.exit(code)


if __name__ == "__main__":
    main()
