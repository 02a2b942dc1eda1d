"""Write docs/reference/ from the code itself: `python docs/reference.py`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import click
from typer.main import get_command

import pictree
from pictree import store
from pictree.cli import app
from pictree.recipes.recipe import Recipe, load_recipe, recipe_names, recipe_text

OUT = Path(__file__).parent / "reference"
_WIDTH = 92
_FOR_US = ("write_", "create", "update", "plan", "stage", "refuse", "lock", "done", "shard")
"""Methods of `Run` that write it, or that belong to its stages."""


def main() -> None:
    """Write every page."""
    OUT.mkdir(exist_ok=True)
    for name, text in pages().items():
        (OUT / name).write_text(text, encoding="utf-8")


def pages() -> dict[str, str]:
    """Return each page's text by its file name."""
    return {
        "cli.md": cli_page(),
        "recipes.md": recipes_page(),
        "estimators.md": estimators_page(),
        "run-format.md": run_page(),
    }


def cli_page() -> str:
    """Return what ``--help`` says of every command."""
    parts = [
        "# Commands",
        "What `pictree COMMAND --help` says. Exit codes: 0 done; 1 our fault; 2 a mistake in what "
        "was asked; 3 done, but `--strict` and a file was not usable; 130 or 143 stopped.",
    ]
    for words, command in _commands(get_command(app), ["pictree"]):
        context = click.Context(
            command,
            info_name=" ".join(words),
            terminal_width=_WIDTH,
            max_content_width=_WIDTH,
            help_option_names=["-h", "--help"],
        )
        parts += [f"## {' '.join(words)}", f"```text\n{command.get_help(context)}\n```"]
    return _joined(parts)


def _commands(command: Any, words: list[str]) -> Iterator[tuple[list[str], Any]]:
    for name, below in getattr(command, "commands", {}).items():
        if hasattr(below, "commands"):
            yield from _commands(below, [*words, name])
        else:
            yield [*words, name], below


def recipes_page() -> str:
    """Return every key of a recipe, and the packaged recipes."""
    parts = [
        "# Recipes",
        "A recipe is a TOML file. `pictree recipes NAME > mine.toml` copies one to change; "
        "`--recipe mine.toml` uses it. A key that is left out has the default below; one that is "
        "not known is refused by name.",
    ]
    hints = get_type_hints(Recipe)
    for section in fields(Recipe):
        kind = hints[section.name]
        if is_dataclass(kind):
            parts += [f"## [{section.name}]", _first(kind), _key_table(kind)]
    for name in recipe_names():
        about = load_recipe(name).about
        parts += [f"## {name}", f"{about}.", f"```toml\n{recipe_text(name).rstrip()}\n```"]
    return _joined(parts)


def _key_table(kind: type) -> str:
    told = dict(_described(inspect.getdoc(kind) or "", "Attributes"))
    rows = ["| key | default | meaning |", "| --- | --- | --- |"]
    for key in fields(kind):
        default = key.default if key.default is not MISSING else key.default_factory()
        shown = list(default) if isinstance(default, tuple) else default
        kind_of, about = _meaning(told, key.name)
        text = f"`{kind_of}`. {about}" if about else f"`{kind_of}`."
        rows.append(f"| `{key.name}` | `{_toml(shown)}` | {_cell(text)} |")
    return "\n".join(rows)


def _meaning(told: dict[str, tuple[str, str]], name: str) -> tuple[str, str]:
    found = [value for names, value in told.items() if name in re.split(r",\s*", names)]
    if not found:
        raise KeyError(f"{name} is not described")
    return found[0]


def _toml(value: Any) -> str:
    if value is None:
        return "left out"
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value).replace("'", '"')


def estimators_page() -> str:
    """Return parameters and attributes of the public classes."""
    parts = [
        "# Python",
        "What `from pictree import …` gives; every class has its own `help()`.",
    ]
    for name in ("ImageClusterer", "ConvAutoencoder", "TreeClusterer", "CodesDataset", "Run"):
        kind = getattr(pictree, name)
        doc = inspect.getdoc(kind) or ""
        parts += [f"## {name}", _first(kind)]
        for section in ("Parameters", "Attributes"):
            rows = list(_described(doc, section))
            if rows:
                parts += [f"**{section}**", _list(rows)]
        parts += [text for text in [_methods(kind)] if text]
    parts += ["## Errors", _errors()]
    return _joined(parts)


def _list(rows: list[tuple[str, tuple[str, str]]]) -> str:
    lines = []
    for names, (kind, about) in rows:
        of_kind = f" ({kind})" if kind else ""
        text = f": {about}" if about else ""
        lines.append(f"- `{names}`{of_kind}{text}")
    return "\n".join(lines)


def _methods(kind: type) -> str:
    own = [c for c in kind.__mro__ if c.__module__.startswith("pictree.")]
    found = {name: getattr(kind, name) for c in reversed(own) for name in vars(c)}
    rows = []
    for name, method in found.items():
        if name.startswith(("_", "set_", *_FOR_US)) or not callable(method):
            continue
        signature = re.sub(r"\(self(, )?", "(", str(inspect.signature(method)).split(" ->")[0])
        names = ", ".join(_names(signature))
        rows.append(f"- `{name}({names})`: {_first(method)}")
    return "\n".join(["**Methods**\n", *rows]) if rows else ""


def _names(signature: str) -> list[str]:
    """Return the names of a signature's arguments, with ``*`` before those given by name."""
    found, depth, word = [], 0, ""
    for sign in signature.strip("()") + ",":
        depth += (sign in "[(") - (sign in "])")
        if sign == "," and depth == 0:
            found.append(word.strip().split(":")[0].split("=")[0].strip())
            word = ""
        else:
            word += sign
    return [name for name in found if name]


def _errors() -> str:
    rows = ["All are `PictreeError`s; `UserError` and those below it are `ValueError`s too."]
    for name in sorted(n for n in pictree.__all__ if n.endswith("Error")):
        rows.append(f"- `{name}`: {_first(getattr(pictree, name))}")
    return rows[0] + "\n\n" + "\n".join(rows[1:])


def run_page() -> str:
    """Return the run folder's files, from the docstring of `pictree.store`."""
    doc = inspect.getdoc(store) or ""
    before, rows, after = doc.split("=" * 38)[0], [], doc.rsplit("=" * 52, 1)[1]
    table = doc[len(before) : len(doc) - len(after)]
    for line in table.splitlines():
        if line.startswith("=") or not line.strip():
            continue
        name, about = line[:40].strip(), line[40:].strip()
        rows.append((name, about))
    cells = [f"| {_code(name)} | {_cell(_ticks(about))} |" for name, about in rows[1:]]
    parts = [
        "# The run folder",
        f"Format {store.FORMAT}. Every write is atomic, nothing is pickled, nothing is ever "
        "unpickled; a run of an older format stays readable.",
        "\n".join(["| file | content |", "| --- | --- |", *cells]),
        *(_ticks(part.replace("\n", " ")) for part in after.strip().split("\n\n")),
        "Tables are Parquet (polars, pandas, DuckDB and Spark read them as they are), arrays .npy "
        "and .npz, weights safetensors. From Python, `pictree.Run` reads all of it:",
        '```python\nfrom pictree import Run\n\nrun = Run.open("run")\n'
        'table = run.used().join(run.assignments(), on="id")  # a row for each image\n'
        'codes = run.array("codes")[:100]  # float32, read from the disk\n'
        'print(table.head(), codes.shape, run.metrics["k"])\n```',
    ]
    return _joined(parts)


def _code(names: str) -> str:
    return ", ".join(f"`{name}`" for name in names.split(", "))


def _described(doc: str, section: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield names, (type, description) of a numpydoc section."""
    found = re.search(rf"^{section}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", doc, re.M | re.S)
    for block in re.split(r"\n(?=\S)", found[1].strip("\n")) if found else ():
        head, _, rest = block.partition("\n")
        names, _, kind = head.partition(" : ")
        about = " ".join(line.strip() for line in rest.splitlines()).strip()
        yield names.strip(), (_ticks(kind.strip()), _ticks(about))


def _first(thing: Any) -> str:
    """Return the first paragraph of a docstring, in one line."""
    return _ticks(" ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split()))


def _ticks(text: str) -> str:
    return text.replace("``", "`").replace("<", "&lt;") if "`" not in text else _spans(text)


def _spans(text: str) -> str:
    return re.sub(r"`{1,2}([^`]+)`{1,2}", r"`\1`", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _joined(parts: list[str]) -> str:
    head = "<!-- Written by docs/reference.py from the code. Change that, not this. -->"
    return "\n\n".join([head, *parts]) + "\n"


if __name__ == "__main__":
    main()
