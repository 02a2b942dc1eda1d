"""Rows of the past and the state that they lead to; undo and redo without limit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pictree.label.actions import FACTS, ActionError, apply
from pictree.label.state import State

_KEPT = 64
"""States kept in memory; an undo past them replays the rows."""


@dataclass(frozen=True)
class Row:
    """One row of labels.db.

    Attributes
    ----------
    number : int
        From 1, without a gap.
    time : float
        Seconds since 1970.
    kind : str
        An action's, or ``undo`` or ``redo``.
    body : mapping
    """

    number: int
    time: float
    kind: str
    body: Mapping[str, Any]


class History:
    """The rows so far, those that stand, and the state that these lead to.

    Parameters
    ----------
    rows : iterable of Row
        In order.

    Attributes
    ----------
    standing, undone : list of Row
        The actions in force in their order, and those that redo would bring back, last undone
        last.
    number : int
        Of the last row.
    """

    def __init__(self, rows: Iterable[Row] = ()) -> None:
        self.standing: list[Row] = []
        self.undone: list[Row] = []
        self.number = 0
        self._states: list[State] = []
        for row in rows:
            self._stack(row)
        self._replay()

    @property
    def state(self) -> State:
        """The state now."""
        return self._states[-1]

    def refuse_impossible(self, kind: str, body: Mapping[str, Any]) -> None:
        """Raise `ActionError` for a row that can't be next; nothing changes."""
        if kind in ("undo", "redo"):
            self._stacks_after(kind)
        else:
            apply(self.state, kind, body, self.number + 1)

    def push(self, row: Row) -> State:
        """Take a row in, and return the state after it.

        Raises
        ------
        ActionError
            If it can't be done; the history is as before then.
        """
        if row.kind in ("undo", "redo"):
            last = self.standing[-1] if self.standing else None
            self._stack(row)
            if row.kind == "redo":
                self._keep(_step(self.state, self.standing[-1]))
            elif last is self.undone[-1] and len(self._states) > 1:
                self._states.pop()
            else:
                self._replay()
            return self.state
        state = _step(self.state, row)
        self._stack(row)
        self._keep(state)
        return state

    def _stack(self, row: Row) -> None:
        if row.kind in ("undo", "redo"):
            self.standing, self.undone = self._stacks_after(row.kind)
        else:
            self.standing.append(row)
            if row.kind not in FACTS:
                self.undone = []
        self.number = row.number

    def _stacks_after(self, kind: str) -> tuple[list[Row], list[Row]]:
        if kind == "redo":
            if not self.undone:
                raise ActionError("there must be something to redo", got="nothing", do="Go on")
            return [*self.standing, self.undone[-1]], self.undone[:-1]
        decided = [i for i, row in enumerate(self.standing) if row.kind not in FACTS]
        if not decided:
            raise ActionError("there must be something to undo", got="nothing", do="Go on")
        at = decided[-1]
        rest = self.standing[:at] + self.standing[at + 1 :]
        return rest, [*self.undone, self.standing[at]]

    def _keep(self, state: State) -> None:
        self._states = [*self._states[-_KEPT:], state]

    def _replay(self) -> None:
        self._states = [State.empty()]
        for row in self.standing:
            self._keep(_step(self.state, row))


def _step(state: State, row: Row) -> State:
    return apply(state, row.kind, row.body, row.number)
