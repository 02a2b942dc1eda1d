"""Leaks: files of one known split that are there again, or nearly, in another one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl

_COLUMNS = ("path", "split", "other_path", "other_split", "kind", "id", "other")


def leak_table(
    inventory: pl.DataFrame,
    splits: Sequence[str | None],
    near: np.ndarray,
    measures: Mapping[str, np.ndarray],
) -> pl.DataFrame:
    """Return the pairs that lie in two splits.

    Parameters
    ----------
    inventory : polars.DataFrame
        A row for each file, in the order of ids.
    splits : sequence of str or None
        The known split of each file.
    near : int array (m, 2)
        Ids of images that are nearly the same, the most alike pair first.
    measures : mapping of str to float32 array (m,)
        What tells how alike they are; 0 for copies.

    Returns
    -------
    polars.DataFrame
        path, split, other_path, other_split, kind ("exact" or "near"), id, other, and the
        measures. Copies to the byte first. Where one of two is of "train", it is the other one:
        what should be new to it is what a person looks for.
    """
    near, exact = near.reshape(-1, 2).astype(np.int64), _exact(inventory, splits)
    apart = _are_apart(near, splits)
    pairs = _training_last(np.concatenate([exact, near[apart]]), splits)
    files = inventory.select("id", "path").with_columns(split=pl.Series(splits, dtype=pl.String))
    others = {"id": "other", "path": "other_path", "split": "other_split"}
    zeros = np.zeros(len(exact), np.float32)
    about = {"kind": pl.Series(["exact"] * len(exact) + ["near"] * sum(apart), dtype=pl.String)}
    told = {name: np.concatenate([zeros, values[apart]]) for name, values in measures.items()}
    parts = [files[pairs[:, 0]], files[pairs[:, 1]].rename(others), pl.DataFrame(about | told)]
    return pl.concat(parts, how="horizontal").select(*_COLUMNS, *measures)


def _are_apart(pairs: np.ndarray, splits: Sequence[str | None]) -> np.ndarray:
    """Tell of each pair whether it is in two known splits, bool (m,)."""
    found = [(splits[one], splits[other]) for one, other in pairs]
    return np.array([a != b and a is not None and b is not None for a, b in found], bool)


def _exact(inventory: pl.DataFrame, splits: Sequence[str | None]) -> np.ndarray:
    """Return each file with the first before it that has its content in another split."""
    content = inventory.select(pl.coalesce("duplicate_of", "id")).to_series().to_list()
    seen: dict[int, dict[str, int]] = {}
    pairs = []
    for row, (image, split) in enumerate(zip(content, splits, strict=True)):
        if split is None:
            continue
        first = seen.setdefault(image, {})
        others = [at for name, at in first.items() if name != split]
        pairs += [(min(others), row)] if others else []
        first.setdefault(split, row)
    return np.array(pairs, np.int64).reshape(-1, 2)


def _training_last(pairs: np.ndarray, splits: Sequence[str | None]) -> np.ndarray:
    is_train = np.array([split == "train" for split in splits], bool)[pairs]
    turned = is_train[:, 0] & ~is_train[:, 1]
    return np.where(turned[:, None], pairs[:, ::-1], pairs)
