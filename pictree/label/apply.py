"""Take in what was done on a page without a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pictree.errors import InputError
from pictree.label.actions import BY_PEOPLE, ActionError
from pictree.label.history import History, Row
from pictree.label.session import Session
from pictree.label.static import fingerprint
from pictree.label.store import as_text, read_rows
from pictree.label.views import figures
from pictree.store import Run

FORMAT = 1


def apply_labels(run_path: str | Path, file: Path) -> dict[str, Any]:
    """Do on a run what a saved labels.json says; all of it or nothing.

    Parameters
    ----------
    run_path : path-like
    file : Path
        What a page made by ``pictree label RUN --static`` saved.

    Returns
    -------
    dict
        run, actions (rows taken in), labelled, left, images.

    Raises
    ------
    InputError
        If the file is not such a one, is of other pictures, or of an older state of the labels.
    """
    saved = _read(file)
    run = Run.open(run_path)
    with run.lock():
        session = Session(run)
        try:
            _refuse_foreign(session, saved, file)
            rows = _rows(saved, session.revision, file)
            _try(run, rows, file)
            for row in rows:
                session.act(row.kind, row.body, session.revision, at=row.time)
            found = figures(session.history.state, session.history.standing)
        finally:
            session.close()
    kept = {name: found[name] for name in ("labelled", "left", "images")}
    return {"run": str(run.path), "actions": len(rows), **kept}


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise InputError("the labels must exist", got=f"'{file}'", do="Check the path")
    try:
        saved = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _not_ours(file, "a damaged one") from error
    if not isinstance(saved, dict) or saved.get("format") != FORMAT:
        raise _not_ours(file, "another file")
    return saved


def _rows(saved: dict[str, Any], last: int, file: Path) -> list[Row]:
    rows = saved.get("rows")
    if not isinstance(rows, list):
        raise _not_ours(file, "one without rows")
    return [_row(row, last + i, file) for i, row in enumerate(rows, start=1)]


def _row(row: Any, number: int, file: Path) -> Row:
    parts = [row.get(name) for name in ("time", "kind", "body")] if isinstance(row, dict) else []
    if not (
        parts
        and isinstance(parts[0], (int, float))
        and 0 <= parts[0] < 1e11
        and parts[1] in BY_PEOPLE
        and isinstance(parts[2], dict)
    ):
        raise _not_ours(file, "one with other rows")
    return Row(number, float(parts[0]), parts[1], parts[2])


def _refuse_foreign(session: Session, saved: dict[str, Any], file: Path) -> None:
    if saved.get("run") != fingerprint(session):
        raise InputError(
            "the labels must be of this run's pictures",
            got=f"{file}, which is of others",
            do="Apply it to the run that its page was made of",
        )
    if saved.get("revision") != session.revision:
        raise InputError(
            "nothing may have been labelled in the run since the page was made",
            got=f"action {session.revision}, and a page made at {saved.get('revision')}",
            do="Undo is no way back: label the rest by hand, or keep this run's labels",
        )


def _try(run: Run, rows: list[Row], file: Path) -> None:
    """Do the rows on a history in memory, so that a bad one is found before any is written."""
    history = History(read_rows(run.path) or [])
    for row in rows:
        try:
            as_text(row.body)
            history.push(row)
        except (ActionError, TypeError, KeyError) as error:
            number = row.number - rows[0].number + 1
            raise _not_ours(file, f"one whose action {number} can't be done ({error})") from error


def _not_ours(file: Path, got: str) -> InputError:
    return InputError(
        f"{file} must be a file that a label page saved", got=got, do="Save it again from the page"
    )
