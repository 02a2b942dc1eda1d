"""What a command prints, and how it ends."""

from __future__ import annotations

import json
import sys
from typing import Any

import typer


def one_or_more(pictures: list[str] | None) -> Any:
    """Return the one argument itself, several as a list, and None for none."""
    return pictures[0] if pictures and len(pictures) == 1 else pictures or None


def for_people() -> Any:
    """Return a progress display; imported late, since ``--help`` needs none."""
    from pictree.progress import for_people as display

    return display()


def show(found: dict[str, Any], as_json: bool, as_text: Any) -> None:
    """Print what a command found: one JSON object, or text for people."""
    is_unicode = (sys.stdout.encoding or "").lower().startswith("utf")
    text = json.dumps(found, ensure_ascii=not is_unicode) if as_json else as_text(found)
    typer.echo(text)


def exit_if_strict(strict: bool, found: dict[str, Any]) -> None:
    """End with 3 where ``--strict`` was given and there were problems."""
    if strict and found["problems"]:
        raise typer.Exit(3)
