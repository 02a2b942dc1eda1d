"""labels.db: every action a row of SQLite; a row is on the disk before anybody is told."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pictree.errors import RunError
from pictree.label.actions import ActionError
from pictree.label.history import Row
from pictree.manifest import LABELS

FORMAT = 1
_SCHEMA = """
CREATE TABLE actions (
    number INTEGER PRIMARY KEY,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE TRIGGER nothing_is_deleted BEFORE DELETE ON actions
BEGIN SELECT RAISE(ABORT, 'nothing is ever deleted'); END;
CREATE TRIGGER nothing_is_changed BEFORE UPDATE ON actions
BEGIN SELECT RAISE(ABORT, 'nothing is ever changed'); END;
"""


class LabelStore:
    """The rows of one run's labels.db, open for writing; made where it is absent.

    Parameters
    ----------
    folder : Path
        The run folder. Who writes holds the run's lock.

    Raises
    ------
    RunError
        If the file is damaged, newer, or can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / LABELS
        with _said(self._file):
            # The page's threads take turns by a lock of theirs.
            self._base = sqlite3.connect(self._file, isolation_level=None, check_same_thread=False)
            self._base.execute("PRAGMA journal_mode = WAL")
            self._base.execute("PRAGMA synchronous = FULL")
            if not self._base.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                self._base.executescript(
                    f"BEGIN; {_SCHEMA} PRAGMA user_version = {FORMAT}; COMMIT;"
                )
            _refuse_newer(self._base, self._file)

    def rows(self) -> list[Row]:
        """Return every row, in order."""
        with _said(self._file):
            return _rows(self._base)

    def append(
        self, kind: str, body: Mapping[str, Any], number: int, *, at: float | None = None
    ) -> Row:
        """Commit a row, and return it once it is on the disk.

        Parameters
        ----------
        kind : str
        body : mapping
            JSON values.
        number : int
            One more than the last row's.
        at : float, optional
            Seconds since 1970; now by default.

        Raises
        ------
        ActionError
            If the body is not plain JSON.
        RunError
            If it can't be written; nothing is there then.
        """
        row = Row(number, round(time.time() if at is None else at, 3), kind, body)
        text = as_text(body)
        with _said(self._file):
            self._base.execute(
                "INSERT INTO actions VALUES (?, ?, ?, ?)", (number, row.time, kind, text)
            )
        return row

    def close(self) -> None:
        """Close the file; its log is merged into it."""
        self._base.close()


def as_text(body: Mapping[str, Any]) -> str:
    """Return a body as it is kept.

    Raises
    ------
    ActionError
        If it has what JSON or UTF-8 has not: NaN, half a character.
    """
    try:
        text = json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ActionError(
            "an action must be plain JSON", got=type(error).__name__, do="Do it again"
        ) from error
    return text


def read_rows(folder: Path) -> list[Row] | None:
    """Return the rows of a run's labels.db, None where there is none; nothing is written.

    Raises
    ------
    RunError
        If the file is damaged or newer.
    """
    file = folder / LABELS
    if not file.exists():
        return None
    with (
        _said(file),
        closing(sqlite3.connect(_to_read(file), uri=True)) as base,
    ):
        _refuse_newer(base, file)
        return _rows(base)


def _to_read(file: Path) -> str:
    """Return the address of a file that is read alone, also on a disk that nobody can write."""
    # SQLite makes files beside one that has a log, even to read it; where it can't, and there is
    # no log to read, the file is as it is.
    still = not os.access(file.parent, os.W_OK) and not Path(f"{file}-wal").exists()
    return f"{file.resolve().as_uri()}?mode=ro{'&immutable=1' if still else ''}"


def _rows(base: sqlite3.Connection) -> list[Row]:
    found = base.execute("SELECT number, time, kind, body FROM actions ORDER BY number")
    return [Row(number, at, kind, json.loads(body)) for number, at, kind, body in found]


def _refuse_newer(base: sqlite3.Connection, file: Path) -> None:
    version = base.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        raise RunError(
            f"The format of labels must be {FORMAT}",
            got=f"{version} in {file}",
            do="Upgrade pictree",
        )


@contextmanager
def _said(file: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, ValueError) as error:
        raise RunError(
            f"{file} must be a file of labels that can be read and written",
            got=f"'{error}'",
            do="Free some space, mend its permissions, or restore it from a copy",
        ) from error
