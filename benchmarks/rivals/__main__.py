"""Pictree's speed beside what a user would pick instead, both in the same run, by turns.

    python -m benchmarks.rivals DATA [--only ROW ...] [--repeats 2]
    python -m benchmarks.rivals --table

The first makes an environment of the rivals' own once (1.5 GB; benchmarks/rivals/constraints.txt),
then measures each row: every side in a process of its own, one after the other, as often as
--repeats says, and appends a JSON line for each to the results. The second prints the table of
the newest measurements. DATA holds mnist/ as IDX.gz.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.rivals.environment import CACHE, environment
from benchmarks.rivals.measure import measure, read
from benchmarks.rivals.rows import ROWS
from benchmarks.rivals.table import table

RESULTS = Path(__file__).parent / "results.jsonl"


def asked() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.rivals",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("data", type=Path, nargs="?", metavar="DATA")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW")
    parser.add_argument("--repeats", type=int, default=2, help="of each side, by turns")
    parser.add_argument("--cache", type=Path, default=CACHE, help="environment and work, kept")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="JSONL")
    parser.add_argument("--loaded", action="store_true", help="the machine is busy: ratios alone")
    parser.add_argument("--table", action="store_true", help="print the table; measure nothing")
    found = parser.parse_args()
    if found.data is None and not found.table:
        parser.error("DATA is missing: the folder of the data sets")
    return found


def main() -> None:
    """Measure the rows, or print the table."""
    options = asked()
    if not options.table:
        rivals = environment(options.cache)
        failed = 0
        for name in options.only:
            failed += measure(name, options, rivals)
        if failed:
            sys.exit(f"{failed} measurements failed")
    print(table(read(options.out)))


if __name__ == "__main__":
    main()
