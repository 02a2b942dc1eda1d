"""One fit in a process of its own, for tests that kill it: PICTURES RUN ENGINE ROWS [--resume].

Says on standard error what a user is told.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from pictree.pipeline import begin as beginning
from pictree.pipeline import fit as fitting
from pictree.progress import Progress
from pictree.recipes.recipe import change, load_recipe

TIMED = ("run.json", "report.html", "log.jsonl", "checkpoints/")


class Aloud(Progress):
    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # noqa: T201


def words(pictures: Path, run: Path, engine: str, rows: int) -> list[str]:
    """Return the command line of such a fit; ROWS images in a shard."""
    mine = [sys.executable, "-m", "tests.engine.one_fit"]
    return [*mine, str(pictures), str(run), engine, str(rows)]


def digest(run: Path) -> str:
    """Return the hash of a run's manifest without the files that tell times."""
    kept = untimed(run)
    assert len(kept) > 40
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def untimed(run: Path) -> dict[str, Any]:
    """Return a run's manifest without the files that tell times."""
    manifest = json.loads((run / "manifest.json").read_text())
    assert "clusters" in {name.split("/")[0] for name in manifest}
    return {name: told for name, told in sorted(manifest.items()) if not name.startswith(TIMED)}


def main(pictures: str, run: str, engine: str, rows: str, *resume: str) -> None:
    beginning.shard_rows_for = lambda _: int(rows)  # type: ignore[assignment]
    recipe = change(load_recipe("quick"), **{"maps.methods": ["pca"]})
    fitting.fit(pictures, run, recipe=recipe, engine=engine, resume=bool(resume), progress=Aloud())


if __name__ == "__main__":
    main(*sys.argv[1:])
