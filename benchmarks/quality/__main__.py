"""Clustering quality over seeds, Pictree beside rivals; labels are for scoring alone.

    python -m benchmarks.quality DATA [--only ROW ...] [--methods NAME ...] [--seeds 5]
    python -m benchmarks.quality --table

The first measures what is not yet in the results and appends a line for each (row, method, seed);
stopped, it goes on with the same command. To measure again, delete the lines. The second prints
the tables. Rivals want: pip install umap-learn evoc. DATA holds mnist/ and fashion-mnist/ as
IDX.gz, usps.npz and coil20.npz.
"""

from __future__ import annotations

import argparse
import json
import sys
from itertools import product
from pathlib import Path

from benchmarks.quality.measure import ROOT, JobError, measure
from benchmarks.quality.methods import METHODS
from benchmarks.quality.rows import ROWS
from benchmarks.quality.table import tables
from pictree.errors import PictreeError

RESULTS = Path(__file__).parent / "results.jsonl"
WORK = ROOT / "benchmarks" / "work" / "quality"


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument(
        "--methods", nargs="+", choices=METHODS, default=list(METHODS), metavar="NAME"
    )
    parser.add_argument("--seeds", type=int, default=5, help="0 to this, exclusive")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="JSONL")
    parser.add_argument("--work", type=Path, default=WORK, help="scratch folder, kept")
    parser.add_argument("--loaded", action="store_true", help="the machine is busy: hide seconds")
    parser.add_argument("--table", action="store_true", help="print the tables; measure nothing")
    found = parser.parse_args()
    if found.data is None and not found.table:
        parser.error("DATA is missing: the folder of the data sets")
    return found


def read_results(file: Path) -> list[dict]:
    """Read the results; a line that a crash cut short is left out."""
    found = []
    for line in file.read_text().splitlines() if file.exists() else []:
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            print(f"{file.name}: a torn line is left out", file=sys.stderr)
    return found


def append(file: Path, record: dict) -> None:
    """Add a line, on a line of its own even after a torn one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    torn = file.exists() and file.read_bytes()[-1:] not in (b"", b"\n")
    with file.open("a") as out:
        out.write("\n" * torn + json.dumps(record) + "\n")


def able(names: list[str]) -> list[str]:
    """Leave out, in words, the methods that can't run here."""
    missing = {name: METHODS[name].missing() for name in names}
    for name, why in missing.items():
        if why:
            print(f"{name} is left out: {why}", file=sys.stderr)
    return [name for name, why in missing.items() if not why]


def main() -> None:
    """Measure what is missing, or print the tables."""
    options = asked()
    results = read_results(options.out)
    if options.table:
        print(tables(results))
        return
    options.work.mkdir(parents=True, exist_ok=True)
    done = {(r["row"], r["method"], r["seed"]) for r in results}
    # Seeds outermost: stopped at any time, the table is broad before it is deep.
    jobs = product(range(options.seeds), options.only, able(options.methods))
    wanted = [(row, method, seed) for seed, row, method in jobs if fits(row, method)]
    failed = sum(not attempt(job, options) for job in wanted if job not in done)
    sys.exit(f"{failed} failed; the same command tries them again" if failed else 0)


def fits(row: str, method: str) -> bool:
    """Tell whether a row is small enough for a method."""
    most = METHODS[method].most
    return most is None or ROWS[row].images <= most


def attempt(job: tuple[str, str, int], options: argparse.Namespace) -> bool:
    """Measure one, write its line, tell it; False where it failed."""
    name = f"{job[0]}, {job[1]}, seed {job[2]}"
    try:
        record = measure(*job, options.data.resolve(), options.work.resolve(), options.loaded)
    except (JobError, PictreeError, OSError) as error:
        print(f"{name}: failed: {error}", file=sys.stderr, flush=True)
        return False
    append(options.out, record)
    told = f"ACC {record['acc']:.3f}, k {record['k']}, {record['seconds']:.0f} s"
    print(f"{name}: {told}", file=sys.stderr, flush=True)
    return True


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped; the same command goes on")
