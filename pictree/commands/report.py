"""The report of a run."""

from __future__ import annotations

from pictree.commands.arguments import Json, RunPlace
from pictree.commands.output import show


def report(run: RunPlace, as_json: Json = False) -> None:
    """Write the report of a run again, and say where it is.

    Example: pictree report run
    """
    from pictree.pipeline.away import edited
    from pictree.report.page import write_report
    from pictree.store import Run

    with edited(run) as home:
        opened = Run.open(home.folder)
        with opened.lock():
            file = write_report(opened)
            opened.write_manifest()
    found = home.told({"report": str(file)})
    show(found, as_json, lambda found: f"report: {found['report']}")
