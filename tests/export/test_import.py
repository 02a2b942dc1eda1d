"""An export that is imported again gives the same labels."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pictree.errors import InputError
from pictree.export.export import export
from pictree.export.labels import import_labels, import_text
from tests.export.labelled import labels


@pytest.fixture
def fresh(folder_run: Path, tmp_path: Path) -> Path:
    """A copy of the run without labels."""
    return Path(shutil.copytree(folder_run, tmp_path / "fresh"))


@pytest.mark.parametrize(("to", "file"), [("csv", "out.csv"), ("parquet", "out.parquet")])
@pytest.mark.parametrize("only", ["all", "labelled"])
def test_an_export_imported_gives_the_same_labels(
    to: str, file: str, only: str, labelled_run: Path, fresh: Path, tmp_path: Path
) -> None:
    export(labelled_run, to, tmp_path / file, only=only)
    found = import_labels(fresh, tmp_path / file)
    before = labels(labelled_run)
    assert labels(fresh).equals(before)
    assert sum(found["names"].values()) == found["labelled"]
    again = import_labels(fresh, tmp_path / file)
    assert (again["labelled"], again["same"]) == (0, found["labelled"])
    assert labels(fresh).equals(before)


def test_metadata_of_an_imagefolder_is_such_a_table(
    labelled_run: Path, fresh: Path, tmp_path: Path
) -> None:
    export(labelled_run, "imagefolder", tmp_path / "out")
    import_labels(fresh, tmp_path / "out" / "metadata.csv")
    assert labels(fresh).equals(labels(labelled_run))


def test_a_table_of_ones_own(fresh: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text("path,label\nplain.png, cat \ntwice.png,cat\ndir/plain.png,dog\nnone.png,x\n")
    found = import_labels(fresh, file)
    assert found == {"labelled": 2, "same": 1, "names": {"cat": 1, "dog": 1}, "unknown": 1} | {
        "same": 0
    }
    assert import_text(found) == (
        "2 images got a label, 0 had it already\n  1 cat\n  1 dog\n"
        "1 rows are about pictures that the run does not have"
    )
    named = labels(fresh).filter(pl.col("label").is_not_null())
    assert named["label"].value_counts().sort("label").rows() == [("cat", 2), ("dog", 1)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("path,name\na,b\n", "a table of labels must have the columns path and label; got path, "
         "name. Name them so."),
        ("path,label\nplain.png,cat\ntwice.png,dog\n", "an image and its duplicates must have one "
         "label; got others for 'plain.png', 'twice.png'. Leave one of them out."),
        ("path,label\nelsewhere.png,cat\n", "the paths of the labels must be those of the run; got "
         "'elsewhere.png'. Write them as in `pictree export RUN --to csv`."),
        ("path,label\nplain.png,\"a\nb\"\n", "a name must be one line of 1 to 200 characters; got "
         "'a\\nb'. Type another name."),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence_and_change_nothing(
    text: str, said: str, fresh: Path, tmp_path: Path
) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(text)
    with pytest.raises(ValueError, match="; got ") as caught:
        import_labels(fresh, file)
    assert str(caught.value).replace(str(fresh), "RUN") == said
    if (fresh / "labels.db").exists():
        assert labels(fresh)["label"].null_count() == len(labels(fresh))


def test_another_label_is_not_overwritten(labelled_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(labelled_run, tmp_path / "run"))
    before = labels(run)
    file = tmp_path / "mine.csv"
    file.write_text("path,label\nplain.png,something else\n")
    with pytest.raises(InputError) as caught:
        import_labels(run, file)
    assert str(caught.value) == (
        "an image to label must wait for a name; got others for 'plain.png'. Take those labels "
        f"back with `pictree label {run}`, or leave the rows out."
    )
    assert labels(run).equals(before)
