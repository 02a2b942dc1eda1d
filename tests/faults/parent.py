"""The warmed parent: ``python -m tests.faults.parent FOLDER JOBS``; see `tests.faults.forks`.

Each job of the JSON list JOBS names under ``do`` what is to be done to a command.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.faults.commands import prepare, saying
from tests.faults.failing import fail_all
from tests.faults.filling import fill_all
from tests.faults.forks import warm
from tests.faults.killing import strike_all
from tests.faults.spoiling import read_all, spoil_all
from tests.faults.stopping import stop_all

DO = {
    "kill": strike_all,
    "fail": fail_all,
    "fill": fill_all,
    "stop": stop_all,
    "spoil": spoil_all,
    "read": read_all,
}


def first(work: Path) -> None:
    """Do once what the children will do, undisturbed."""
    prepare(work)
    begun = "learn" if '"learn"' in sys.argv[2] else "fit and draw"
    for action in (begun, "add", "predict", "export"):
        if saying(work, action)() != 0:
            raise SystemExit((work.parent / "err").read_text())


if __name__ == "__main__":
    work = Path(sys.argv[1]) / "work"
    warm(work, first)
    print(json.dumps([DO[job["do"]](job, work) for job in json.loads(sys.argv[2])]))  # noqa: T201
