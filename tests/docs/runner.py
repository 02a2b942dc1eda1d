"""Runs the examples of a documentation page: its ``sh`` and ``python`` blocks, in order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from contextlib import contextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import click
from typer.main import get_command

from pictree.cli import app
from pictree.recipes.recipe import change, load_recipe, to_toml

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
NOT_OURS = {"pip", "make", "podman"}
"""What an example may call that no test calls."""
_WAITS = {"label", "demo"}
"""Commands that wait for a person, or take minutes: their words are parsed, and that is all."""


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return kind and text of each fenced block of a page."""
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


class Session:
    """One page's examples in one folder: files and Python names stay from block to block.

    Parameters
    ----------
    folder : Path
        The working directory.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._names = folder, {"__name__": "__example__"}
        self._server: subprocess.Popen[str] | None = None
        self.ran: list[str] = []

    def run(self, kind: str, text: str) -> None:
        """Run one block; those of other kinds are for reading."""
        if kind == "python":
            self.ran.append("python")
            with redirect_stdout(StringIO()):
                exec(compile(text, "<example>", "exec"), self._names)  # noqa: S102
        elif kind == "sh":
            for line in text.replace("\\\n", " ").splitlines():
                self._line(line)

    def _line(self, line: str) -> None:
        words, _, to = line.partition(" > ")
        arguments = shlex.split(words, comments=True)
        if not arguments:
            return
        self.ran.append(" ".join(arguments[:2]))
        if arguments[0] == "pictree":
            out = self._pictree(arguments[1:])
            if to:
                (self._folder / shlex.split(to, comments=True)[0]).write_text(out)
        elif arguments[0] == "curl":
            command = ["curl", "--silent", "--show-error", "--fail", *arguments[1:]]
            subprocess.run(command, check=True, capture_output=True, cwd=self._folder)
        else:
            assert arguments[0] in NOT_OURS, f"no test runs {line!r}"

    def _pictree(self, arguments: list[str]) -> str:
        if arguments[0] == "serve":
            self._serve(arguments)
            return ""
        if arguments[0] == "fit":
            arguments = shortened(arguments, self._folder)
        out = StringIO()
        with redirect_stdout(out):
            command: Any = get_command(app)
            if arguments[0] in _WAITS:
                parse(command, arguments)
            else:
                command(arguments, standalone_mode=False)
        return out.getvalue()

    def _serve(self, arguments: list[str]) -> None:
        words = [sys.executable, "-m", "pictree.cli", *arguments]
        self._server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=self._folder)
        assert self._server.stdout is not None
        assert self._server.stdout.readline().startswith("serving at http://127.0.0.1:8400")

    def close(self) -> None:
        """End the server that an example started."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()


@contextmanager
def session(folder: Path) -> Any:
    """Give a session, and close it."""
    opened = Session(folder)
    try:
        yield opened
    finally:
        opened.close()


def parse(command: Any, arguments: list[str]) -> None:
    """Hold that the words are such as the command takes, and do nothing."""
    name, below, rest = command.resolve_command(click.Context(command), arguments)
    below.make_context(name, list(rest))


def shortened(arguments: list[str], folder: Path) -> list[str]:
    """Take the recipe of a fit, and shorten it to a second: the same files come out of it."""
    name = "tree"
    if "--recipe" in arguments:
        at = arguments.index("--recipe")
        name, arguments = arguments[at + 1], arguments[:at] + arguments[at + 2 :]
    recipe = load_recipe(folder / name if name.endswith(".toml") else name)
    short = change(recipe, **{"maps.methods": ["pca"], "training.epochs": 1, "rounds.count": 0})
    file = folder / ".short.toml"
    file.write_text(to_toml(replace(short, name=Path(name).stem)))
    return [*arguments, "--recipe", str(file)]
