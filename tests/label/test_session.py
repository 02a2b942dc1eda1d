"""A run being labelled: on the disk before anybody is told, two tabs, added pictures, faults."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.errors import RunError
from pictree.label.history import History
from pictree.label.read import LABELS_SCHEMA, labels_of
from pictree.label.session import ConflictError, Session
from pictree.label.store import read_rows
from pictree.pipeline.add import add
from pictree.store import Run


@pytest.fixture
def session(run_folder: Path) -> Session:
    return Session(Run.open(run_folder))


def biggest(session: Session) -> list[int]:
    sizes = session.history.state.sizes
    return sorted(sizes, key=lambda key: -sizes[key])


def test_nobody_has_labelled_a_new_run(run_folder: Path) -> None:
    assert labels_of(Run.open(run_folder)) is None


def test_the_first_groups_are_the_clusters(session: Session) -> None:
    state, run = session.history.state, session.run
    assert len(state.groups) == 10
    clusters = run.labels()
    for key, group in state.groups.items():
        rows = session.pile.rows(state.members(key))
        assert set(clusters[rows]) == {int(group.title)}


def test_what_was_done_is_there_after_a_restart(session: Session, run_folder: Path) -> None:
    first, second = biggest(session)[:2]
    session.act("label", {"group": first, "name": "seven"}, session.revision)
    members = session.history.state.members(second).tolist()
    check = {"group": second, "seen": members[:20], "wrong": members[:1]}
    session.act("check", check, session.revision)
    session.act("label", {"group": second, "name": "one"}, session.revision)
    session.act("undo", {}, session.revision)
    seen = session.history.state
    # The process may die here: nothing is closed.
    again = Session(Run.open(run_folder))
    assert again.history.state == seen
    again.act("redo", {}, again.revision)
    table = labels_of(Run.open(run_folder))
    assert table is not None
    assert table.schema == LABELS_SCHEMA
    assert table["id"].to_list() == again.run.assignments()["id"].to_list()
    named = table.drop_nulls("label")
    assert dict(named["label"].value_counts().rows()) == {
        "seven": seen.sizes[first],
        "one": seen.sizes[second],
    }
    assert set(named["by"]) == {"person"}
    sure = table.filter(pl.col("label") == "one").row(0, named=True)
    assert (round(sure["purity_low"], 4), round(sure["purity_high"], 4)) == (0.7513, 0.9987)
    assert table.filter(pl.col("label") == "seven")["purity_low"].null_count() == seen.sizes[first]


def test_a_stale_action_is_refused_where_it_matters_alone(session: Session) -> None:
    first, second, third = biggest(session)[:3]
    seen = session.revision
    session.act("label", {"group": first, "name": "a"}, seen)
    session.act("label", {"group": second, "name": "b"}, seen)  # another group: nobody minds
    with pytest.raises(ConflictError) as error:
        session.act("label", {"group": first, "name": "c"}, seen)
    assert str(error.value) == (
        "nobody else may have changed the group; got a change made since, in another tab. "
        "Look at it as it is now, then do it again."
    )
    with pytest.raises(ConflictError):
        session.act("merge", {"groups": [third, second]}, seen)
    with pytest.raises(ConflictError):
        session.act("undo", {}, seen)
    assert session.history.state.groups[first].label == "a"
    session.act("undo", {}, session.revision)
    with pytest.raises(ConflictError):  # the undo changed it too
        session.act("junk", {"group": second}, session.revision - 1)


def test_pictures_added_later_wait_for_a_name(
    session: Session, run_folder: Path, digits: tuple
) -> None:
    first = biggest(session)[0]
    session.act("label", {"group": first, "name": "x"}, session.revision)
    before = labels_of(Run.open(run_folder))
    session.close()
    np.save(run_folder.parent / "more.npy", digits[0][2000:2050])
    add(run_folder, str(run_folder.parent / "more.npy"))
    after = labels_of(Run.open(run_folder))
    assert after is not None
    assert after[:2000].equals(before)
    assert after["label"][2000:].null_count() == 50
    again = Session(Run.open(run_folder))
    assert again.history.state.sizes[first] == before["label"].count()
    assert sum(again.history.state.sizes.values()) == 2050
    assert all(g.label is None for g in again.history.state.groups.values() if "added" in g.title)


def test_nothing_is_ever_deleted_or_changed(session: Session, run_folder: Path) -> None:
    session.close()
    base = sqlite3.connect(run_folder / "labels.db")
    for order in ("DELETE FROM actions", "UPDATE actions SET kind = 'undo'"):
        with pytest.raises(sqlite3.IntegrityError, match="nothing is ever"):
            base.execute(order)
    assert base.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_damaged_file_is_named(run_folder: Path) -> None:
    (run_folder / "labels.db").write_bytes(b"not a database" * 100)
    with pytest.raises(RunError) as error:
        labels_of(Run.open(run_folder))
    assert str(error.value).startswith(f"{run_folder / 'labels.db'} must be a file of labels")


def test_every_row_is_kept_whatever_is_undone(session: Session, run_folder: Path) -> None:
    for name in "ab":
        session.act("label", {"group": biggest(session)[0], "name": name}, session.revision)
        session.act("undo", {}, session.revision)
    rows = read_rows(run_folder)
    assert rows is not None
    assert [row.kind for row in rows] == ["start", "label", "undo", "label", "undo"]
    assert History(rows).state == session.history.state
