"""TensorBoard: one folder of event files for each fit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pictree.tracking.base import Tracker


class TensorBoard(Tracker):
    """Writes scalars to FOLDER/RUN, for ``tensorboard --logdir FOLDER``.

    Parameters
    ----------
    folder : path-like
    """

    name = "tensorboard"

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def begin(self, run: str, settings: Mapping[str, Any]) -> None:
        """Open an event file; the settings become a table under "Text"."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(self._folder / run))
        rows = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        self._writer.add_text("settings", f"| key | value |\n| --- | --- |\n{rows}")

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Add a point to each curve."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def end(self, results: Mapping[str, float]) -> None:
        """Write the results, each a curve of one point."""
        for name, value in results.items():
            self._writer.add_scalar(f"result/{name}", value)

    def close(self, *, failed: bool) -> None:
        """Close the event file."""
        self._writer.close()
