"""Colours of clusters and known labels, told apart by colour-blind people too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Petroff, "Accessible color sequences for data visualization" (2021), ten colours.
_BASE = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6",
    "#a96b59", "#e76300", "#b9ac70", "#717581", "#92dadd",
)  # fmt: skip
_SHADES = ((0, 0.0), (0, 0.4), (255, 0.5))  # as it is, towards black, towards white
GREY = "#8b9097"
MOST_NAMED = 40


def colours(n: int) -> list[str]:
    """Return ``n`` colours: the ten of Petroff (2021), then darker and lighter ones.

    Past thirty they repeat; the maps carry the clusters' numbers for that reason.
    """
    return [_mixed(_BASE[i % 10], *_SHADES[i // 10 % 3]) for i in range(n)]


def _mixed(colour: str, towards: int, amount: float) -> str:
    parts = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(p + (towards - p) * amount):02x}" for p in parts)


@dataclass(frozen=True)
class Groups:
    """What a map is coloured by.

    Attributes
    ----------
    of_image : int array (n,)
        The group of each image; -1 where it has none.
    names : list of str
        A name per group.
    rest : str
        What -1 means, such as ``noise``.
    """

    of_image: np.ndarray
    names: list[str]
    rest: str

    @property
    def colours(self) -> list[str]:
        """A colour per group, and the grey of -1 last (so that -1 is its index)."""
        return [*colours(len(self.names)), GREY]

    @property
    def legend(self) -> list[tuple[str, str]]:
        """Name and colour of the groups that images have: at most 40, then ``-1``."""
        named = list(zip(self.names, self.colours, strict=False))[:MOST_NAMED]
        return [*named, (self.rest, GREY)] if (self.of_image < 0).any() else named


def groups_of(names: Sequence[str | None], rest: str) -> Groups:
    """Group images by name (n,); None means no group. Groups stand in the names' order."""
    found = sorted({name for name in names if name is not None}, key=_natural)
    number = {name: i for i, name in enumerate(found)}
    of_image = np.array([-1 if name is None else number[name] for name in names], np.int32)
    return Groups(of_image, found, rest)


def _natural(name: str) -> list[tuple[int, int, str]]:
    """Sort key under which ``2`` comes before ``10``."""
    parts = re.split(r"([0-9]+)", name)
    return [(0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(parts) if p]
