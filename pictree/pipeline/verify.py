"""Is every file of a run as it was written? What is not can often be made again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pictree.errors import RunError
from pictree.images.base import printable
from pictree.manifest import condition
from pictree.pipeline.repair import repair
from pictree.progress import Progress
from pictree.reading import MANIFEST
from pictree.store import Run


def verify(
    run_path: str | Path, *, mend: bool = False, progress: Progress | None = None
) -> dict[str, Any]:
    """Compare every file of a run with its manifest; on demand, make again what is damaged.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    mend : bool
        Make damaged and missing files again from the others. A file takes its place only when
        its SHA-256 is the manifest's; no other file is touched.
    progress : Progress, optional

    Returns
    -------
    dict
        What ``pictree verify --json`` prints: run, files (how many the manifest lists), damaged,
        missing, foreign (names), repaired (names), left (name to the reason; without `mend` every
        bad name, its reason empty).

    Raises
    ------
    RunError
        If there is no run, it is not finished, or its manifest is damaged.
    """
    run, progress = Run(run_path), progress or Progress()
    if not (run.path / MANIFEST).exists():
        Run.open(run.path)
        raise RunError(
            "a finished run has a manifest.json to compare its files with",
            got=f"none in {run.path}",
            do="Finish it: the same `pictree fit` or `pictree add` command again, `fit` --resume",
        )
    found = condition(run.path)
    left = dict.fromkeys(found.bad, "")
    if mend and left:
        with run.lock(), progress:
            left = repair(run, found.bad, progress)
    return {
        "run": str(run.path),
        "files": found.files,
        "damaged": found.damaged,
        "missing": found.missing,
        "foreign": [printable(name) for name in found.foreign],
        "repaired": sorted(set(found.bad) - set(left)),
        "left": left,
    }
