"""One measurement: a side of a row, in a process of its own, to a JSON line."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.rivals.rows import ROWS, Side

ROOT = Path(__file__).parents[2]


def measure(name: str, options: argparse.Namespace, rivals: Path) -> int:
    """Measure each side of a row by turns; return how many failed."""
    row, work = ROWS[name], options.cache / "work"
    work.mkdir(parents=True, exist_ok=True)
    data = options.data.resolve()
    if row.prepare:
        _run(Side("", row.prepare, True), data, work, rivals)
    failed = 0
    for repeat in range(options.repeats):
        for side in row.sides:
            found = _run(side, data, work, rivals)
            if found is None:
                failed += 1
                continue
            record = {"row": name, "side": side.name, "repeat": repeat, **found}
            record |= {"date": datetime.now(timezone.utc).date().isoformat(), **machine()}
            record |= {"loaded": options.loaded}
            with options.out.open("a") as file:
                file.write(json.dumps(record) + "\n")
            print(f"{name}, {side.name}: {found}", file=sys.stderr, flush=True)
    return failed


def _run(side: Side, data: Path, work: Path, rivals: Path) -> dict | None:
    python = sys.executable if side.is_ours else str(rivals)
    command = [python, "-m", "benchmarks.rivals.side", side.call, str(data), str(work)]
    command += [json.dumps(side.arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}
    before = _processor_seconds()
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"{side.name or side.call} failed:\n{done.stderr[-2000:]}", file=sys.stderr)
        return None
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {"processor": round(_processor_seconds() - before, 1), **found}


def _processor_seconds() -> float:
    """Of all processes that have ended under this one, starts and all.

    Unlike seconds it hardly depends on what runs beside. A side may give its own, of its work
    alone.
    """
    spent = os.times()
    return spent.children_user + spent.children_system


def machine() -> dict:
    """Return cores and load: how busy the machine was, with us."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    threads = os.environ.get("OMP_NUM_THREADS")
    return {"cores": cores, "threads": threads, "load": load, "system": platform.machine()}


def read(file: Path) -> list[dict]:
    """Return the measurements so far."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
