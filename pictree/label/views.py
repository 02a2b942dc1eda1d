"""What the page shows of a session, as JSON values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from pictree.label.actions import FACTS
from pictree.label.history import Row
from pictree.label.pictures import tile_size
from pictree.label.purity import label_error, purity_interval
from pictree.label.session import Session
from pictree.label.state import Check, Group, State

_PAUSE = 120.0
"""Seconds; who does nothing for longer is not labelling."""
_FACES = 5
_NOT_DECIDED = (*FACTS, "check")


class Views:
    """What the page asks for; orders and looks of unchanged groups are remembered."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._orders: dict[int, tuple[bytes, np.ndarray, float]] = {}

    def whole(self) -> dict[str, Any]:
        """Return all but the members of the groups."""
        session = self._session
        with session.still() as state:
            groups = [self._group(state, key) for key in sorted(state.groups)]
            history = session.history
            undone = history.undone[-1].kind if history.undone else None
            decided = [row.kind for row in history.standing if row.kind not in FACTS]
            return {
                "revision": session.revision,
                "name": session.run.path.resolve().name,
                "tree": session.run.has_tree,
                "tile": tile_size(session.pile.pixels.shape),
                "groups": groups,
                "names": _names(state),
                "figures": figures(state, history.standing),
                "undo": decided[-1] if decided else None,
                "redo": undone,
            }

    def members(self, key: int) -> dict[str, Any]:
        """Return the ids of a group from its medoid to its border, and its check.

        Raises
        ------
        KeyError
            If there is no such group.
        """
        with self._session.still() as state:
            group = state.groups[key]
            rows = self._look(state, key)[1]
            check = None if group.check is None else group.check.of.tolist()
            wrong = [] if group.check is None else group.check.wrong.tolist()
            ids = self._session.pile.ids[rows].tolist()
            return {"key": key, "revision": self._session.revision, "ids": ids,
                    "of": check, "wrong": wrong}  # fmt: skip

    def draw(self, ids: list[int], count: int) -> list[int]:
        """Return some of the ids at random, all equally likely."""
        chosen = np.random.default_rng().permutation(len(ids))[:count]
        return [ids[i] for i in chosen]

    def _group(self, state: State, key: int) -> dict[str, Any]:
        group, (_, rows, cohesion) = state.groups[key], self._look(state, key)
        return {
            "key": key,
            "title": group.title,
            "size": len(rows),
            "label": group.label,
            "by": group.by,
            "junk": group.junk,
            "check": None if group.check is None else checked(group.check),
            "expected": expected_purity(group, cohesion),
            "faces": self._session.pile.ids[_faces(rows)].tolist(),
        }

    def _look(self, state: State, key: int) -> tuple[bytes, np.ndarray, float]:
        """Return a group's rows from the middle outwards, and how pure it looks."""
        members = state.members(key)
        digest = members.tobytes()
        known = self._orders.get(key)
        if known is None or known[0] != digest:
            pile = self._session.pile
            rows = pile.rows(members)
            whole = np.full(len(pile.ids), -1, np.int64)
            whole[pile.rows(state.ids)] = state.group
            known = digest, pile.from_the_middle(rows), pile.cohesion(rows, whole)
            self._orders[key] = known
        return known


def checked(check: Check) -> dict[str, Any]:
    """Return a spot check in figures."""
    low, high = purity_interval(check.seen, len(check.wrong))
    return {"seen": check.seen, "wrong": len(check.wrong), "of": len(check.of),
            "low": low, "high": high}  # fmt: skip


def expected_purity(group: Group, cohesion: float) -> float:
    """Return how pure a group should be: by its check, else by how it looks."""
    if group.check is None:
        return cohesion
    return (group.check.seen - len(group.check.wrong) + 1) / (group.check.seen + 2)


def figures(state: State, standing: Iterable[Row]) -> dict[str, Any]:
    """Return what is always in view: labelled, left, decisions, rate, error."""
    sizes, rows = state.sizes, list(standing)
    labelled = {k: g for k, g in state.groups.items() if g.label is not None}
    done = sum(sizes[key] for key in labelled)
    kinds = [row.kind for row in rows]
    decided = sum(kind not in _NOT_DECIDED for kind in kinds)
    checks = [(sizes[k], g.check.seen, len(g.check.wrong)) for k, g in labelled.items() if g.check]
    error = label_error(checks, done)
    return {
        "images": len(state.ids),
        "labelled": done,
        "spread": sum(sizes[key] for key, group in labelled.items() if group.by == "spread"),
        "junk": sum(sizes[key] for key, group in state.groups.items() if group.junk),
        "left": sum(sizes[key] for key, group in state.groups.items() if group.is_open),
        "decisions": decided,
        "checks": kinds.count("check"),
        "rate": _rate(rows, done),
        "error": None if error is None else asdict(error),
    }


def _rate(rows: list[Row], labelled: int) -> float | None:
    """Return named images per minute of work, long pauses left out."""
    times = [row.time for row in rows if row.kind not in FACTS]
    seconds = sum(min(max(b - a, 0.0), _PAUSE) for a, b in pairwise(times))
    return 60 * labelled / seconds if seconds >= 1 else None


def _names(state: State) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for key, group in state.groups.items():
        if group.label is not None:
            counts[group.label] += state.sizes[key]
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _faces(rows: np.ndarray) -> np.ndarray:
    """Return the medoid and some others, evenly towards the border."""
    places = np.linspace(0, len(rows) - 1, min(_FACES, len(rows)))
    return rows[np.unique(places.astype(int))]
