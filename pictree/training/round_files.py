"""What is kept of each finished round, so that stopped rounds go on."""

from __future__ import annotations

import json
import zipfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import RunError
from pictree.files import write_atomic


class RoundFiles:
    """The neighbours that each finished round found, a file each; all else follows from them.

    Parameters
    ----------
    folder : Path or None
        Made when the first round ends; with None nothing is kept.
    settings : dataclass
        A recipe's rounds section.
    **others : int or None
        What else rounds must share to go on from each other: seed, images, k.
    """

    def __init__(self, folder: Path | None, settings: Any, **others: int | None) -> None:
        self.folder = folder
        self.mark = json.dumps({**asdict(settings), **others}, sort_keys=True)

    def read(self, number: int) -> tuple[np.ndarray, float] | None:
        """Return a finished round's neighbours, int32 (n, q), and its loss; None without them.

        Raises
        ------
        RunError
            When the file is damaged or belongs to other rounds.
        """
        if self.folder is None or not (file := _file(self.folder, number)).exists():
            return None
        try:
            with np.load(file, allow_pickle=False) as kept:
                links, loss, mark = kept["links"], float(kept["loss"]), str(kept["mark"])
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise RunError(
                f"{file} must be a whole round",
                got=f"{type(error).__name__}: {error}",
                do="Delete it to learn that round again",
            ) from error
        if mark != self.mark:
            raise RunError(
                f"{self.folder} must hold rounds of this training",
                got=f"others in {file.name}",
                do="Use the same values, or another run folder",
            )
        return links, loss

    def write(self, number: int, links: np.ndarray, loss: float) -> None:
        """Keep a finished round."""
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        arrays: dict[str, Any] = {
            "links": links,
            "loss": np.float64(loss),
            "mark": np.array(self.mark),
        }
        file = _file(self.folder, number)
        write_atomic(file, lambda f: np.savez(f, allow_pickle=False, **arrays))


def _file(folder: Path, number: int) -> Path:
    return folder / f"round-{number}.npz"
