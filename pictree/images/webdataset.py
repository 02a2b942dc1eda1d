"""WebDataset's convention for tar files: ``key.jpg`` and ``key.cls`` are one sample.

https://github.com/webdataset/webdataset: the key is the path up to the first dot of its last part.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pictree.images.base import PICTURE_SUFFIXES


def key_of(name: str) -> str:
    """Return the key of a member: its path up to the first dot of its last part."""
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.split(".")[0]


def split_samples(
    members: Sequence[tuple[str, Any]],
) -> tuple[list[tuple[str, Any]], dict[str, dict[str, Any]]]:
    """Part the pictures of a tar from what is said of them.

    Parameters
    ----------
    members : sequence of (name, member)

    Returns
    -------
    pictures : list of (name, member)
        Without those that share a picture's key; all of them in a tar that has no ``.cls``.
    said : dict of str to dict
        Suffix (without its dot) to the members by their keys.
    """
    if not any(name.lower().endswith(".cls") for name, _ in members):
        return list(members), {}
    keys = {key_of(name) for name, _ in members if name.lower().endswith(PICTURE_SUFFIXES)}
    pictures: list[tuple[str, Any]] = []
    said: dict[str, dict[str, Any]] = {}
    for name, member in members:
        key = key_of(name)
        if name.lower().endswith(PICTURE_SUFFIXES) or key not in keys:
            pictures.append((name, member))
        else:
            said.setdefault(name[len(key) + 1 :].lower(), {})[key] = member
    return pictures, said
