"""What the tests of every kind of bucket do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TIMED = ("run.json", "report.html", "log.jsonl", "checkpoints/")


def fill(files: Any, pile: Path) -> Any:
    """Make the bucket ``pictures``: a copy of the pile in ``digits``, and markers of folders."""
    files.mkdir("pictures")
    for file in sorted(pile.rglob("*")):
        if file.is_file():
            files.pipe_file(f"pictures/digits/{file.relative_to(pile)}", file.read_bytes())
    files.pipe_file("pictures/digits/", b"")
    files.pipe_file("pictures/digits/7/", b"")
    return files


def manifest(run: Path) -> dict[str, Any]:
    """Return the hash of every file of a run that tells no times."""
    told = json.loads((run / "manifest.json").read_text())
    return {name: about for name, about in told.items() if not name.startswith(TIMED)}
