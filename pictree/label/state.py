"""What is known about a pile at one moment: which group each image is in, and its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

_PARTS = 1 << 20
"""Most groups that one action makes."""


@dataclass(frozen=True, eq=False)
class Check:
    """A spot check: what a person saw of some images, and which of these were wrong.

    Attributes
    ----------
    of : ndarray of uint32
        Ids of the images that the sample was drawn from, sorted.
    seen : int
        Images looked at.
    wrong : ndarray of uint32
        Ids of those that did not belong, sorted.
    """

    of: np.ndarray
    seen: int
    wrong: np.ndarray

    def describes(self, members: np.ndarray) -> bool:
        """Tell whether it is about these images (sorted ids), the wrong ones taken out or not."""
        without = np.setdiff1d(self.of, self.wrong, assume_unique=True)
        return np.array_equal(members, self.of) or np.array_equal(members, without)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Check) and all(
            np.array_equal(a, b) for a, b in zip(self._parts(), other._parts(), strict=True)
        )

    def __hash__(self) -> int:
        return hash((self.of.tobytes(), self.seen, self.wrong.tobytes()))

    def _parts(self) -> tuple:
        return self.of, self.seen, self.wrong


@dataclass(frozen=True)
class Group:
    """What is known about one group of images.

    Attributes
    ----------
    title : str
        What it is called while it has no name, such as ``3.1``: part 1 of cluster 3.
    label : str or None
        Its name.
    by : str
        ``person``, or ``spread`` where the name came from near neighbours.
    junk : bool
        Put aside: neither named nor waiting for a name.
    check : Check or None
        The last spot check that is about exactly these images.
    """

    title: str
    label: str | None = None
    by: str = "person"
    junk: bool = False
    check: Check | None = None

    @property
    def is_open(self) -> bool:
        """Whether it still waits for a name."""
        return self.label is None and not self.junk


@dataclass(frozen=True, eq=False)
class State:
    """Groups of images; never changed, only replaced.

    Attributes
    ----------
    ids : ndarray of uint32, shape (n,)
        The images, sorted.
    group : ndarray of int64, shape (n,)
        Key of each image's group.
    groups : mapping of int to Group
        Every group that has an image.
    """

    ids: np.ndarray
    group: np.ndarray
    groups: Mapping[int, Group]

    @classmethod
    def empty(cls) -> State:
        """Return the state of a pile without images."""
        return cls(np.empty(0, np.uint32), np.empty(0, np.int64), {})

    def members(self, key: int) -> np.ndarray:
        """Return the ids of a group's images, sorted."""
        return self._members.get(key, self.ids[:0])

    def rows(self, ids: np.ndarray) -> np.ndarray:
        """Return where the given ids, all of this pile, stand in `ids`."""
        return np.searchsorted(self.ids, ids)

    @cached_property
    def _members(self) -> dict[int, np.ndarray]:
        order = np.argsort(self.group, kind="stable")
        keys, starts = np.unique(self.group[order], return_index=True)
        parts = np.split(self.ids[order], starts[1:])
        return {int(key): part for key, part in zip(keys, parts, strict=False)}

    @property
    def sizes(self) -> dict[int, int]:
        """Number of images of each group."""
        return {key: len(part) for key, part in self._members.items()}

    def of_open(self) -> np.ndarray:
        """Tell which images wait for a name, bool (n,)."""
        waiting = [key for key, group in self.groups.items() if group.is_open]
        return np.isin(self.group, np.array(waiting, np.int64))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, State)
            and np.array_equal(self.ids, other.ids)
            and np.array_equal(self.group, other.group)
            and dict(self.groups) == dict(other.groups)
        )

    __hash__ = None  # type: ignore[assignment]


def key_of(action: int, part: int) -> int:
    """Return the key of the group that is part ``part`` of action number ``action``.

    An action that is done again after an undo makes groups of the same keys.
    """
    return action * _PARTS + part


def touched(before: State, after: State) -> set[int]:
    """Return the keys of the groups that differ between two states."""
    keys = {
        key
        for key in before.groups.keys() | after.groups.keys()
        if before.groups.get(key) != after.groups.get(key)
    }
    shared = min(len(before.ids), len(after.ids))
    moved = np.flatnonzero(before.group[:shared] != after.group[:shared])
    there = (before.group[moved], after.group[moved], before.group[shared:], after.group[shared:])
    return keys | {int(key) for part in there for key in np.unique(part)}
