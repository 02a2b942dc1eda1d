"""Actions that need the codes: taking apart, clustering again, spreading."""

from __future__ import annotations

from typing import Any

import numpy as np

from pictree.label.actions import ActionError
from pictree.label.leftovers import cluster_again, spread
from pictree.label.parts import down_the_tree, in_two
from pictree.label.session import Session


def take_apart(session: Session, key: int, how: str, revision: int) -> dict[str, Any]:
    """Take a group apart and return how: ``tree`` (``two`` where that ends), or ``two`` by codes.

    Raises
    ------
    ConflictError, ActionError, InputError
        As `Session.act`, or if there is nothing to take apart.
    """
    with session.still() as state:
        if key not in state.groups:
            raise ActionError("the group must be there", got="one that is gone", do="Look again")
        rows = session.pile.rows(state.members(key))
    found = down_the_tree(session.pile, rows) if how == "tree" else None
    parts = found or in_two(session.pile, rows)
    body = {"group": key, "how": "tree" if found else "two", "parts": _ids(session, parts)}
    session.act("split", body, revision)
    return {"how": body["how"]}


def again(session: Session, revision: int) -> dict[str, Any]:
    """Cluster what waits for a name anew; return how many groups that made.

    Raises
    ------
    ConflictError, ActionError, InputError
        As `Session.act`, or if there is nothing to cluster.
    """
    parts = cluster_again(session.pile, _waiting(session))
    session.act("regroup", {"parts": _ids(session, parts)}, revision)
    return {"groups": len(parts)}


def spread_names(session: Session, revision: int) -> dict[str, Any]:
    """Name what waits by what a person named near it; return how many, and how precisely.

    Raises
    ------
    ConflictError, ActionError, InputError
        As `Session.act`, or if no threshold is precise enough.
    """
    with session.still() as state:
        by_person = [k for k, g in state.groups.items() if g.label is not None and g.by == "person"]
        is_named = np.isin(state.group, by_person)
        names = [state.groups[int(key)].label or "" for key in state.group[is_named]]
        named = session.pile.rows(state.ids[is_named])
    if not len(named):
        raise ActionError("there must be names to spread", got="none", do="Name a group first")
    found = spread(session.pile, _waiting(session), named, names)
    figures = {
        "threshold": found.threshold,
        "precision": found.precision,
        "held_out": found.held_out,
    }
    body = {"names": found.names, "parts": _ids(session, found.parts), **figures}
    session.act("spread", body, revision)
    return {"images": sum(map(len, found.parts)), **figures}


def _waiting(session: Session) -> np.ndarray:
    with session.still() as state:
        rows = session.pile.rows(state.ids[state.of_open()])
    if not len(rows):
        raise ActionError("something must wait for a name", got="nothing", do="You are done")
    return rows


def _ids(session: Session, parts: list[np.ndarray]) -> list[list[int]]:
    return [np.sort(session.pile.ids[part]).tolist() for part in parts]
