"""One run being labelled: its pile, its rows on the disk, and the state that they lead to."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from pictree.errors import RunError, UserError
from pictree.label.actions import touches
from pictree.label.history import History
from pictree.label.pile import Pile
from pictree.label.state import State, touched
from pictree.label.store import LabelStore
from pictree.store import Run


class ConflictError(UserError):
    """An action that was made on a sight of the pile that is no longer so."""


class Session:
    """A run opened for labelling; every method may be called from any thread.

    Parameters
    ----------
    run : Run
        Finished, and locked by the caller.

    Attributes
    ----------
    pile : Pile
    history : History

    Raises
    ------
    RunError
        If the run is not finished, or labels.db is damaged.
    """

    def __init__(self, run: Run) -> None:
        _refuse_unfinished(run)
        self.run, self.pile = run, Pile(run)
        self._store = LabelStore(run.path)
        self._turn = threading.RLock()
        self.history = History(self._store.rows())
        self._note_new_images()
        # Who saw the pile before this start can't know what has changed since.
        self._changed: dict[int, int] = {}
        self._start = self.history.number

    def close(self) -> None:
        """Close labels.db."""
        with self._turn:
            self._store.close()

    @property
    def revision(self) -> int:
        """Number of the last row."""
        return self.history.number

    @contextmanager
    def still(self) -> Iterator[State]:
        """Hold the state still while it is looked at."""
        with self._turn:
            yield self.history.state

    def act(
        self, kind: str, body: Mapping[str, Any], revision: int, *, at: float | None = None
    ) -> State:
        """Do an action; once this returns it is on the disk.

        Parameters
        ----------
        kind : str
            An action's, ``undo`` or ``redo``.
        body : mapping
        revision : int
            Number of the last row that the person has seen.
        at : float, optional
            When it was done, seconds since 1970; now by default.

        Raises
        ------
        ConflictError
            If what it is about has changed since that row. Nothing is written.
        ActionError
            If it can't be done. Nothing is written.
        RunError
            If it can't be written.
        """
        with self._turn:
            self._refuse_stale(kind, body, revision)
            self.history.refuse_impossible(kind, body)
            before = self.history.state
            row = self._store.append(kind, body, self.history.number + 1, at=at)
            after = self.history.push(row)
            for key in touched(before, after):
                self._changed[key] = row.number
            return after

    def _refuse_stale(self, kind: str, body: Mapping[str, Any], revision: int) -> None:
        if revision == self.revision:
            return
        if kind in ("undo", "redo") or not self._start <= revision < self.revision:
            raise ConflictError(
                f"{kind} must be about what you see",
                got="something done since, in another tab",
                do="Look at what has changed, then do it again",
            )
        newer = [k for k in touches(self.history.state, kind, body) if self._since(k) > revision]
        if newer:
            raise ConflictError(
                "nobody else may have changed the group",
                got="a change made since, in another tab",
                do="Look at it as it is now, then do it again",
            )

    def _since(self, key: int) -> int:
        return self._changed.get(key, 0)

    def _note_new_images(self) -> None:
        """Write down the clusters as the first groups, and those of images added since."""
        new = ~np.isin(self.pile.ids, self.history.state.ids)
        if not new.any():
            return
        kind = "start" if self.history.number == 0 else "added"
        clusters = self.pile.clusters
        each = [c for c in np.unique(clusters[new]) if c >= 0] + [-1] * bool(
            (clusters[new] < 0).any()
        )
        titles = ["noise" if c < 0 else str(c) for c in each]
        body = {
            "clusters": self.run.clusters_name,
            "titles": titles if kind == "start" else [f"{title}, added" for title in titles],
            "groups": [self.pile.ids[new & (clusters == c)].tolist() for c in each],
        }
        self.history.push(self._store.append(kind, body, self.history.number + 1))


def _refuse_unfinished(run: Run) -> None:
    if not run.is_finished:
        raise RunError(
            "a finished run can be labelled",
            got=f"{run.path}, whose fit has not ended",
            do="Finish it: the same `pictree fit` command with --resume",
        )
