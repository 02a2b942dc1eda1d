"""What the Containerfile relies on, as far as it can be held without a container engine."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import click
from packaging.requirements import Requirement
from typer.main import get_command

from pictree.cli import app
from tests.licences import closure, core

ROOT = Path(__file__).parent.parent
FILE = (ROOT / "Containerfile").read_text(encoding="utf-8")


def lines(word: str) -> list[str]:
    """Return what stands behind a word of the Containerfile, continued lines joined."""
    joined = FILE.replace("\\\n", " ")
    return re.findall(rf"^{word} (.*)$", joined, re.M)


def test_constraints_pin_all_that_the_core_needs() -> None:
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line and not line.startswith("#")]
    pinned = {Requirement(row).name.lower().replace("_", "-"): row for row in rows}
    assert all("==" in row for row in rows)
    needed = set(closure(core())) - {"pictree", "setuptools"}
    assert needed - set(pinned) == set()


def test_the_build_asks_no_index() -> None:
    (run,) = lines("RUN")
    words = shlex.split(run)
    assert words[words.index("&&") + 1] == "/opt/pictree/bin/pip"
    assert {"--no-index", "--find-links=/wheels"} <= set(words)
    assert words[words.index("-c") + 1] == "/constraints.txt"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert (
        "pip wheel --quiet --disable-pip-version-check -c constraints.txt -w wheels ." in makefile
    )


def test_what_it_starts_is_a_command_of_ours() -> None:
    (entry,), (arguments,) = (map(json.loads, lines(word)) for word in ("ENTRYPOINT", "CMD"))
    assert entry == ["pictree"]
    command = get_command(app)
    name, below, rest = command.resolve_command(click.Context(command), arguments)
    given = below.make_context(name, list(rest)).params
    assert str(given["run"]) == "/run-folder"
    assert [given["host"], given["port"]] == ["0.0.0.0", int(*lines("EXPOSE"))]  # noqa: S104


def test_what_it_mounts_is_not_ignored() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()
    (run,) = lines("RUN")
    mounted = re.findall(r"--mount=type=bind,source=([\w.]+),", run)
    assert ignored == ["*", *sorted(f"!{name}" for name in mounted)]


def test_it_runs_as_nobody_in_particular() -> None:
    (user,) = lines("USER")
    assert user == "65534:65534"
