"""The codes of a run for torch's data loaders."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import polars as pl
import torch
from torch.utils.data import Dataset

from pictree.label.read import labels_of
from pictree.store import Run


class CodesDataset(Dataset[dict[str, Any]]):
    """Code, id, cluster and label of every used image of a run; codes stay on the disk.

    Parameters
    ----------
    run : path-like or Run
        With codes and clusters.

    Attributes
    ----------
    ids : int64 array (n,)
        Of the images, in the order of the items.
    clusters : int64 array (n,)
        -1 for noise.
    labels : int64 array (n,)
        Places in `names`; -1 where nobody gave the image a label.
    names : list of str
        The labels that people gave, sorted.
    paths : list of str
    code_size : int

    Examples
    --------
    >>> from torch.utils.data import DataLoader
    >>> from pictree import CodesDataset
    >>> codes = CodesDataset("demo-run")  # doctest: +SKIP
    >>> for batch in DataLoader(codes, batch_size=256, shuffle=True):  # doctest: +SKIP
    ...     batch["code"], batch["cluster"], batch["label"]
    """

    def __init__(self, run: str | os.PathLike[str] | Run) -> None:
        opened = run if isinstance(run, Run) else Run.open(run)
        used = opened.used().select("id", "path")
        self._codes = opened.array("codes")
        self.ids = used["id"].to_numpy().astype(np.int64)
        self.paths = used["path"].to_list()
        self.clusters = opened.labels().astype(np.int64)
        self.names, self.labels = _labels(opened, used)

    @property
    def code_size(self) -> int:
        """How many numbers a code has."""
        return int(self._codes.shape[1])

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, row: int) -> dict[str, Any]:
        """Return one item: code (float32 tensor), id, cluster, label (int)."""
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)}")
        return self._item(row, self._codes[row])

    def __getitems__(self, rows: list[int]) -> list[dict[str, Any]]:
        """Return several items; data loaders ask for a batch so, which reads it at once."""
        codes = self._codes[np.asarray(rows, np.int64)]
        return [self._item(row, code) for row, code in zip(rows, codes, strict=True)]

    def _item(self, row: int, code: np.ndarray) -> dict[str, Any]:
        return {
            "code": torch.from_numpy(np.array(code, np.float32)),
            "id": int(self.ids[row]),
            "cluster": int(self.clusters[row]),
            "label": int(self.labels[row]),
        }


def _labels(run: Run, used: pl.DataFrame) -> tuple[list[str], np.ndarray]:
    table = labels_of(run)
    if table is None:
        return [], np.full(len(used), -1, np.int64)
    labels = used.join(table.select("id", "label"), on="id", how="left").sort("id")["label"]
    names = sorted(labels.drop_nulls().unique().to_list())
    place = {name: number for number, name in enumerate(names)}
    found = [-1 if label is None else place[label] for label in labels]
    return names, np.asarray(found, np.int64)
