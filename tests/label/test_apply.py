"""A labels.json that was damaged or made up is refused whole, before anything of it is done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pictree.errors import InputError
from pictree.label.apply import apply_labels
from pictree.label.session import Session
from pictree.label.static import fingerprint
from pictree.label.store import read_rows
from pictree.store import Run


def saved(run_folder: Path, extra: str) -> str:
    """Return what a page saved: a name, and another whose action says something more."""
    session = Session(Run.open(run_folder))
    try:
        key = min(session.history.state.groups)
        about = {"format": 1, "run": fingerprint(session), "revision": session.revision}
    finally:
        session.close()
    rows = [{"time": 1.0, "kind": "label", "body": {"group": key, "name": n}} for n in ("a", "b")]
    return json.dumps({**about, "rows": rows}).replace('"name": "b"', f'"name": "b", {extra}')


@pytest.mark.parametrize(
    ("extra", "error"),
    [
        ('"more": NaN', "ValueError"),
        ('"more": 1e999', "ValueError"),
        ('"more": "\\ud800"', "UnicodeEncodeError"),
    ],
)
def test_an_action_that_cannot_be_kept_keeps_the_others_back(
    run_folder: Path, tmp_path: Path, extra: str, error: str
) -> None:
    """All of it or nothing."""
    file = tmp_path / "labels.json"
    file.write_text(saved(run_folder, extra))
    with pytest.raises(InputError) as caught:
        apply_labels(run_folder, file)
    assert str(caught.value) == (
        f"{file} must be a file that a label page saved; got one whose action 2 can't be done "
        f"(an action must be plain JSON; got {error}. Do it again.). Save it again from the page."
    )
    assert [row.kind for row in read_rows(run_folder) or []] == ["start"]


@pytest.mark.parametrize("text", ["", '{"format": 1', "[" * 100_000, "\udcff"])
def test_a_torn_file_is_not_told_to_be_deleted(run_folder: Path, tmp_path: Path, text: str) -> None:
    """It is the person's own, and no file of a run."""
    file = tmp_path / "labels.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as caught:
        apply_labels(run_folder, file)
    assert str(caught.value) == (
        f"{file} must be a file that a label page saved; got a damaged one. "
        "Save it again from the page."
    )
