"""Colours of clusters and known labels, told apart by colour-blind people too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# The first ten: Petroff, "Accessible color sequences for data visualization" (2021). The others
# one after the other, each as far as can be from all before it (after Glasbey et al. 2007), in
# OKLab, seen by normal eyes and, as Machado et al. (2009) simulate them, by those that lack the
# cones for green or for red; none too dark or too light for a dark or light page.
_COLOURS = (
    "#3f90da", "#ffa90e", "#bd1f01", "#94a4a2", "#832db6", "#a96b59", "#e76300", "#b9ac70",
    "#717581", "#92dadd", "#004b5a", "#1e3cff", "#c3a5ff", "#1ef096", "#781e1e", "#4b2d87",
    "#e13cb4", "#8769ff", "#2d692d", "#4b5a87", "#2db4d2", "#00d2b4", "#ff0069", "#e1d269",
    "#b42dd2", "#5a960f", "#8796ff", "#4b9687", "#870f5a", "#0000e1", "#b40096", "#5ad22d",
    "#874b5a", "#4b00b4", "#7878b4", "#3c69e1", "#ff87e1", "#c3c3ff", "#d2875a", "#d29600",
    "#f0a5a5", "#c3e100", "#5a4b3c", "#c369d2", "#964bb4", "#f069ff", "#c396c3", "#1e874b",
    "#962d78", "#b4c369", "#c378a5", "#e16987", "#4bf0c3", "#78c396", "#960f00", "#1ea578",
    "#00780f", "#d22d3c", "#e100ff", "#69694b",
)  # fmt: skip
GREY = "#8b9097"
MOST_NAMED = 40


def colours(n: int) -> list[str]:
    """Return ``n`` colours; past sixty they repeat, and maps carry the groups' names for that."""
    return [_COLOURS[i % len(_COLOURS)] for i in range(n)]


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
