"""One row, one method, one seed: in a process of its own, then scored in another."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.methods import METHODS, Ours, package_version
from benchmarks.quality.rows import ROWS, write

ROOT = Path(__file__).parents[2]


class JobError(Exception):
    """A method that failed; its last words."""


def measure(
    row: str, method: str, seed: int, data: Path, work: Path, loaded: bool
) -> dict[str, Any]:
    """Run a method on a row; return its line of the results.

    Parameters
    ----------
    row, method : str
        Of `ROWS` and `METHODS`.
    seed : int
        Draws the subset and seeds the method.
    data : Path
        Folder of the data sets.
    work : Path
        Scratch folder; the rows' files stay in it.
    loaded : bool
        Others are using the machine: the seconds say little.

    Returns
    -------
    dict

    Raises
    ------
    JobError
        If the method fails.
    """
    file = apart(write, row, data, seed, work)
    chosen = METHODS[method]
    with tempfile.TemporaryDirectory(dir=work) as folder:
        scratch = Path(folder)
        command = chosen.command(file, ROWS[row].k, seed, scratch)
        seconds, peak_mb = apart(run, command, scratch)
        read = read_ours if isinstance(chosen, Ours) else read_rival
        figures = read(scratch, file, ROWS[row].k)
    return {
        "row": row,
        "method": method,
        "seed": seed,
        **figures,
        "seconds": round(seconds, 1),
        "peak_mb": round(peak_mb),
        "loaded": loaded,
        "cores": os.cpu_count(),
        "date": datetime.date.today().isoformat(),
        "versions": {name: package_version(name) for name in ("pictree", *chosen.packages)},
    }


def apart(function: Callable, *words: Any) -> Any:
    """Call in a new, small process.

    The system puts the peak memory of the process that starts another on the other's count, so
    `run` is called from here too.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, words)


def run(command: list[str], scratch: Path) -> tuple[float, float]:
    """Run a command; return wall-clock seconds and its peak memory in MB (10⁶ bytes).

    Its output goes to `scratch`/output.txt.

    Raises
    ------
    JobError
        If it fails, with the last line that it wrote.
    """
    errors = scratch / "errors.txt"
    start = time.perf_counter()
    with (scratch / "output.txt").open("wb") as out, errors.open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, cwd=ROOT)
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = errors.read_text(errors="replace").strip().splitlines()
        raise JobError(said[-1] if said else f"ended with {process.returncode}")
    return seconds, used.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6


def read_rival(scratch: Path, file: Path, _: int) -> dict[str, Any]:
    """Score what a rival wrote."""
    return apart(score_file, scratch / "clusters.npy", file)


def score_file(clusters: Path, file: Path) -> dict[str, Any]:
    """Score clusters; noise is one more cluster, as `pictree.evaluation.agreement` has it."""
    from pictree.evaluation.agreement import score

    found = np.load(clusters, allow_pickle=False)
    with np.load(file, allow_pickle=False) as held:
        scores = score(found, held["labels"])
    return {
        "images": len(found),
        **{name: round(value, 5) for name, value in scores.items()},
        "k": len(np.unique(found[found >= 0])),
        "noise": round(float((found < 0).mean()), 5),
    }


def read_ours(scratch: Path, _: Path, k: int) -> dict[str, Any]:
    """Read what ``pictree fit --json`` printed, and metrics.json."""
    found = json.loads((scratch / "output.txt").read_text())
    metrics = json.loads((scratch / "run" / "metrics.json").read_text())
    return {
        "images": found["images"],
        **{name: round(value, 5) for name, value in metrics["scores"].items()},
        "k": found["k"],
        "noise": 0.0,
        "leaves": metrics["leaves"],
        "leaf_purity": metrics["leaf_purity"],
        "agreement": found["agreement"],
        "rank": rank(found["k_shortlist"], k),
        "effort": effort(metrics.get("effort")),
        "chosen": found["chosen"],
    }


def rank(shortlist: list[dict], k: int) -> int | None:
    """Return the place of the true k in the shortlist; None if it is not there, or was told."""
    was_told = bool(shortlist) and shortlist[0]["score"] is None
    ks = [candidate["k"] for candidate in shortlist]
    return ks.index(k) + 1 if k in ks and not was_told else None


def effort(found: dict | None) -> dict[str, float] | None:
    """Return the share of right pictures after the budget of decisions, each way of labelling.

    None where the run has no tree, or this Pictree does not measure it.
    """
    if not found:
        return None
    down, naming = found["budget"]["going_down"], found["budget"]["naming"]
    return {
        "decisions": naming["decisions"],
        "going_down": round(down["accuracy"], 5),
        "naming": round(naming["accuracy"], 5),
        "random": round(naming["random"], 5),
    }
