"""Folders by label: ``cat/``, ``dog/``, and ``unlabelled/cluster-3/`` for the rest."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pictree.export.base import FolderFormat
from pictree.export.names import Names

_REST = "unlabelled"


def _folders(rows: pl.DataFrame) -> list[str]:
    labels = rows["label"].unique(maintain_order=True).drop_nulls().sort()
    names = Names(taken=(_REST,))
    named = {label: names.give(label, number) for number, label in enumerate(labels)}
    digits = len(str(rows["cluster"].max() or 0))
    return [
        named[label] if label is not None else f"{_REST}/{_of_cluster(cluster, digits)}"
        for label, cluster in rows.select("label", "cluster").iter_rows()
    ]


def _of_cluster(cluster: int, digits: int) -> str:
    return f"cluster-{cluster:0{digits}d}" if cluster >= 0 else "noise"


def _nothing_more(folder: Path, rows: pl.DataFrame) -> None:
    return


FOLDERS = FolderFormat(
    "folders", "a folder for each label, or cluster where there is none", _folders, _nothing_more
)
