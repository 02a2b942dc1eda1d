"""The report of a run."""

from __future__ import annotations

from pictree.commands.arguments import Json, RunFolder
from pictree.commands.output import show


def report(run: RunFolder, as_json: Json = False) -> None:
    """Write the report of a run again, and say where it is.

    Example: pictree report run
    """
    from pictree.report.page import write_report
    from pictree.store import Run

    opened = Run.open(run)
    with opened.lock():
        file = write_report(opened)
        opened.write_manifest()
    show({"report": str(file)}, as_json, lambda found: f"report: {found['report']}")
