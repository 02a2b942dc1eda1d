"""The command line: the commands in the order of the flow, errors and signals."""

from __future__ import annotations

import os
import signal
import sys

import typer

from pictree.commands.about import doctor, recipes
from pictree.commands.clusters import compare, cut
from pictree.commands.export import export
from pictree.commands.find import find
from pictree.commands.fit import demo, fit
from pictree.commands.label import label, labels
from pictree.commands.labels import import_table
from pictree.commands.place import add, predict
from pictree.commands.plan import plan
from pictree.commands.report import report
from pictree.commands.scan import scan
from pictree.commands.verify import verify
from pictree.errors import PictreeError

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
for _command in (
    demo,
    scan,
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
    verify,
    recipes,
    doctor,
):
    app.command()(_command)
labels.command(name="import")(import_table)
app.add_typer(labels, name="labels")


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


if __name__ == "__main__":
    main()
