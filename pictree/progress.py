"""What a long job tells the person who waits: a bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

_SECONDS_BETWEEN_LINES = 10.0


class Progress:
    """Says nothing: what Python callers get, and the base of the others."""

    def say(self, text: str) -> None:
        """Tell one sentence."""

    def start(self, label: str, total: int) -> None:
        """Begin a stage of ``total`` steps; ends the stage before."""

    def advance(self, steps: int = 1) -> None:
        """Count ``steps`` as done."""

    def note(self, text: str) -> None:
        """Show a figure beside the current stage, such as the loss."""

    def figures(self, row: Mapping[str, Any]) -> None:
        """Take the figures of an epoch, a round or an update of the current stage."""

    def close(self) -> None:
        """End the current stage."""

    def stop(self) -> None:
        """End the current stage before it is done."""
        self.close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.close()
        else:
            self.stop()


class Lines(Progress):
    """Plain lines: one when a stage begins and ends, and one every ten seconds between.

    Parameters
    ----------
    stream : text file, default standard error
        Where the lines go.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self.label, self.total, self.done, self.extra = "", 0, 0, ""
        self.began = self.last = 0.0

    def say(self, text: str) -> None:
        """Print one sentence."""
        print(text, file=self.stream or sys.stderr, flush=True)

    def start(self, label: str, total: int) -> None:
        """Begin a stage."""
        self.close()
        self.label, self.total, self.done, self.extra = label, total, 0, ""
        self.began = self.last = time.monotonic()

    def advance(self, steps: int = 1) -> None:
        """Count, and print a line when the last is ten seconds old."""
        self.done += steps
        if time.monotonic() - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = time.monotonic()
            self.say(f"{self.label}: {self.done:,} of {self.total:,}{self.extra}{self._left()}")

    def note(self, text: str) -> None:
        """Keep a figure for the next line."""
        self.extra = f", {text}"

    def close(self) -> None:
        """Print how long the stage took."""
        self._end("done in")

    def stop(self) -> None:
        """Print after how long the stage was stopped."""
        self._end("stopped after")

    def _end(self, how: str) -> None:
        if self.label:
            seconds = time.monotonic() - self.began
            self.say(f"{self.label}: {how} {seconds:.1f} s{self.extra}")
        self.label = ""

    def _left(self) -> str:
        share = self.done / max(1, self.total)
        if not 0 < share <= 1:
            return ""
        left = (time.monotonic() - self.began) * (1 - share) / share
        return f", {left:.0f} s left"


class Bars(Progress):
    """A bar with the time left for each stage, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self.bars = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[extra]}"),
            console=Console(stderr=True),
        )
        self.task: Any = None

    def say(self, text: str) -> None:
        """Print one sentence above the bars."""
        self.bars.console.print(text, markup=False, highlight=False)

    def start(self, label: str, total: int) -> None:
        """Begin a stage."""
        self.close()
        self.bars.start()
        self.task = self.bars.add_task(label, total=total, extra="")

    def advance(self, steps: int = 1) -> None:
        """Move the bar."""
        if self.task is not None:
            self.bars.advance(self.task, steps)

    def note(self, text: str) -> None:
        """Show a figure beside the bar."""
        if self.task is not None:
            self.bars.update(self.task, extra=text)

    def close(self) -> None:
        """Leave the finished bar on the screen."""
        self.bars.stop()
        self.task = None

    def stop(self) -> None:
        """Leave the bar as it is, with a word."""
        self.note("stopped")
        self.close()


def for_people(stream: TextIO | None = None) -> Progress:
    """Return bars where standard error is a terminal, else plain lines."""
    if stream is None and sys.stderr.isatty():
        return Bars()
    return Lines(stream)
