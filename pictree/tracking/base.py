"""What a tracker is, and how a fit's progress feeds it."""

from __future__ import annotations

import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from pictree.progress import Progress

_STEPS = ("epoch", "round", "update")


class Tracker(ABC):
    """Takes figures: settings at the start, numbers at each epoch, results at the end."""

    name: str

    @abstractmethod
    def begin(self, run: str, settings: Mapping[str, Any]) -> None:
        """Take the run's name and the recipe, with keys such as ``training.epochs``."""

    @abstractmethod
    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Take numbers of an epoch, round or update, with names such as ``training/loss``."""

    @abstractmethod
    def end(self, results: Mapping[str, float]) -> None:
        """Take the results of a finished fit."""

    @abstractmethod
    def close(self, *, failed: bool) -> None:
        """End; what was taken is on the disk then."""


class Tracked(Progress):
    """A progress display that lets trackers have the figures too.

    A tracker that fails costs its figures, never the fit.

    Parameters
    ----------
    shown : Progress
        Told everything, as it is.
    trackers : sequence of Tracker
        That have begun.
    """

    def __init__(self, shown: Progress, trackers: Sequence[Tracker]) -> None:
        self._shown, self._trackers, self._stage = shown, list(trackers), ""

    def say(self, text: str) -> None:
        """Tell one sentence."""
        self._shown.say(text)

    def start(self, label: str, total: int) -> None:
        """Begin a stage."""
        self._stage = label.replace(" ", "_")
        self._shown.start(label, total)

    def advance(self, steps: int = 1) -> None:
        """Count."""
        self._shown.advance(steps)

    def note(self, text: str) -> None:
        """Show a figure."""
        self._shown.note(text)

    def figures(self, row: Mapping[str, Any]) -> None:
        """Pass the numbers of a row to every tracker."""
        step = next((int(row[name]) for name in _STEPS if name in row), 0)
        values = {k: v for k, v in numbers_of(row).items() if k not in _STEPS}
        named = {f"{self._stage}/{name}": value for name, value in values.items()}
        self._each(lambda tracker: tracker.figures(step, named))

    def end(self, results: Mapping[str, Any]) -> None:
        """Pass the results of a finished fit to every tracker."""
        values = numbers_of(results)
        self._each(lambda tracker: tracker.end(values))

    def close(self) -> None:
        """End the current stage."""
        self._shown.close()

    def finish(self, *, failed: bool) -> None:
        """Close every tracker."""
        self._each(lambda tracker: tracker.close(failed=failed))

    def _each(self, act: Any) -> None:
        for tracker in list(self._trackers):
            try:
                act(tracker)
            except Exception as error:  # whatever another tool's package may raise
                self._trackers.remove(tracker)
                self._shown.say(
                    f"{tracker.name} failed ({type(error).__name__}: {error}); "
                    "the fit goes on without it"
                )

    def __enter__(self) -> Tracked:
        self._shown.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, *others: object) -> None:
        self._shown.__exit__(kind, *others)


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Keep what is a finite number."""
    return {
        name: float(value)
        for name, value in row.items()
        if isinstance(value, numbers.Real)
        and not isinstance(value, bool)
        and math.isfinite(float(value))
    }
