"""Labels given to a run as the label page gives them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pictree.label.read import labels_of
from pictree.label.session import Session
from pictree.store import Run

NAMES = ["plain", 'a/b: "c"', "Ünï, 日本", "=1+1", "con", "unlabelled"]


def label_some(path: Path) -> None:
    """Name six of eight parts by `NAMES`, the first one spot-checked; spread a seventh name."""
    run = Run.open(path)
    with run.lock():
        session = Session(run)
        ids = session.history.state.ids.tolist()
        session.act("regroup", {"parts": [ids[at::8] for at in range(8)]}, session.revision)
        keys = sorted(session.history.state.groups)
        for key, name in zip(keys, NAMES, strict=False):
            session.act("label", {"group": key, "name": name}, session.revision)
        session.act("check", {"group": keys[0], "seen": ids[::8], "wrong": []}, session.revision)
        body = {"names": ["near"], "parts": [ids[7::16]], "threshold": 0.5, "precision": 0.9}
        session.act("spread", body, session.revision)
        session.close()


def labels(path: Path) -> pl.DataFrame:
    """Return id, label and by of every image."""
    found = labels_of(Run.open(path))
    assert found is not None
    return found.select("id", "label", "by")
