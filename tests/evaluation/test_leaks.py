"""Known splits from paths, and what lies in two of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pictree.evaluation.leaks import leak_table
from pictree.images.splits import counted, split_of, splits_of


@pytest.mark.parametrize(
    ("path", "split"),
    [
        ("train/dog/1.png", "train"),
        ("Test/dog/1.png", "test"),
        ("photos/val/train/1.png", "validation"),  # a class that is called train
        ("images_valid/1.png", "validation"),
        ("train2017/1.png", "train"),
        ("dev/1.png", "validation"),
        ("digits.npz:x_train[3]", "train"),
        ("t10k-images-idx3-ubyte.gz[7]", "test"),
        ("train-00000-of-00002.parquet[0]", "train"),
        ("shards/test-000.tar/a.jpg", "test"),
        ("dog/train_001.png", None),
        ("trains/1.png", None),
        ("latest/1.png", None),
        ("contest[3]", None),
        ("1.png", None),
    ],
)
def test_what_a_path_says(path: str, split: str | None) -> None:
    assert split_of(path) == split


def inventory(*rows: tuple[str, int | None]) -> pl.DataFrame:
    """Files by path and whose copy each is."""
    paths, copies = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "id": range(len(rows)),
            "path": paths,
            "duplicate_of": copies,
            "split": ["train"] * len(rows),
        },
        schema_overrides={"id": pl.UInt32, "duplicate_of": pl.UInt32},
    )


def test_one_name_alone_is_a_class_and_no_split() -> None:
    vehicles = inventory(("train/1.png", None), ("car/1.png", None))
    assert splits_of(vehicles) == ["train", "train"]  # the inventory's own: nothing held out
    held = vehicles.with_columns(split=pl.Series(["train", "validation"]))
    assert splits_of(held) == ["train", "validation"]
    named = inventory(("train/1.png", None), ("test/1.png", None), ("x.png", None))
    assert splits_of(named) == ["train", "test", None]
    assert counted(splits_of(named)) == {"train": 1, "test": 1}


def test_pairs_are_of_two_splits_the_training_second_copies_first() -> None:
    files = inventory(
        ("train/a", None), ("test/a", 0), ("train/b", None), ("test/c", None), ("val/c", 3),
        ("other/a", 0), ("train/a2", 0), ("test/a2", 0),
    )  # fmt: skip
    near = np.array([[2, 3], [0, 2], [3, 5]])
    table = leak_table(files, splits_of(files), near, {"difference": np.array([0.25, 0.5, 0.75])})
    columns = ("path", "split", "other_path", "other_split", "kind", "difference")
    assert table.select(columns).rows() == [
        ("test/a", "test", "train/a", "train", "exact", 0),
        ("test/c", "test", "val/c", "validation", "exact", 0),
        ("test/a", "test", "train/a2", "train", "exact", 0),
        ("test/a2", "test", "train/a", "train", "exact", 0),
        ("test/c", "test", "train/b", "train", "near", 0.25),
    ]  # fmt: skip
    assert table.select("id", "other").rows() == [(1, 0), (3, 4), (1, 6), (7, 0), (3, 2)]


def test_no_leak_is_an_empty_table() -> None:
    files = inventory(("train/a", None), ("test/b", None))
    table = leak_table(files, splits_of(files), np.zeros((0, 2)), {"difference": np.zeros(0)})
    assert (table.height, table.columns[0], table.columns[-1]) == (0, "path", "difference")
