"""The known split of each file, such as train or test: by the names in its path."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import polars as pl

Splits = list[str | None]

_NAMES = {
    "train": ("train", "training"),
    "validation": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "t10k"),  # MNIST's own name for its test part
}
_SPLIT_OF = {name: split for split, names in _NAMES.items() for name in names}
_WORD = re.compile(rf"(?<![a-z0-9])({'|'.join(_SPLIT_OF)})(?![a-z])")
_NUMBER = re.compile(r"\[\d+\]$")


def split_of(path: str) -> str | None:
    """Return the split that a path names: train, validation or test.

    The outermost folder that has such a name decides (``test``, ``train2017``, ``images_val``), or
    the file that holds many (``x_train`` in ``digits.npz:x_train[3]``). A picture's own file name
    says nothing, nor do classes below a split that are called so.
    """
    whole = path.lower()
    folders, _, last = whole.rpartition("/")
    parts = [*folders.split("/"), *([_NUMBER.sub("", last)] if _NUMBER.search(last) else [])]
    found = next((found for part in parts if (found := _WORD.search(part))), None)
    return _SPLIT_OF[found[1]] if found else None


def are_splits(folders: Iterable[str]) -> bool:
    """Tell whether names of folders are all such as ``train`` and ``test``, of two or more."""
    found = {split_of(f"{name}/") for name in folders}
    return len(found) > 1 and None not in found


def splits_of(inventory: pl.DataFrame) -> Splits:
    """Return the known split of each file, in the order of the inventory.

    Where the paths name fewer than two, the inventory's own splits are taken: the pictures that
    were held out of the training are "validation".
    """
    named = [split_of(path) for path in inventory["path"]]
    return named if len(set(named) - {None}) > 1 else inventory["split"].to_list()


def counted(splits: Iterable[str | None]) -> dict[str, int]:
    """Return how many files each split has, the largest first."""
    counts = Counter(split for split in splits if split is not None)
    return dict(counts.most_common())
