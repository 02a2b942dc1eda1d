"""Each format opened by the tool that it is for, or by what that tool documents."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.export.export import export
from pictree.store import Run
from tests.export.labelled import NAMES, labels


@pytest.fixture
def expected(labelled_run: Path) -> dict[str, str | None]:
    """Return the label of every usable file, by its path."""
    joined = Run.open(labelled_run).inventory().join(labels(labelled_run), on="id")
    return dict(joined.select("path", "label").iter_rows())


def test_rows_carry_labels_and_duplicates_their_originals(
    labelled_run: Path, expected: dict, tmp_path: Path
) -> None:
    export(labelled_run, "parquet", tmp_path / "out")
    table = pl.read_parquet(tmp_path / "out")
    assert dict(table.select("path", "label").iter_rows()) == {
        **expected, "broken.jpg": None, "notes.md": None,
    }  # fmt: skip
    assert expected["twice.png"] == expected["plain.png"]
    assert set(table["labelled_by"].drop_nulls()) == {"person", "spread"}
    checked = table.filter(pl.col("purity_low").is_not_null())
    assert set(checked["label"]) == {NAMES[0]}
    assert set(checked["purity_high"]) == {1.0}


def test_only_labelled(labelled_run: Path, expected: dict, tmp_path: Path) -> None:
    found = export(labelled_run, "csv", tmp_path / "out.csv", only="labelled")
    named = {path: label for path, label in expected.items() if label is not None}
    assert found["images"] == found["labelled"] == len(named)
    table = pl.read_csv(tmp_path / "out.csv")
    assert dict(table.select("path", "label").iter_rows()) == named


def test_folders_are_named_by_labels(labelled_run: Path, expected: dict, tmp_path: Path) -> None:
    export(labelled_run, "folders", tmp_path / "out", only="labelled")
    there = {p.name: len(list(p.iterdir())) for p in (tmp_path / "out").iterdir()}
    safe = {'a/b: "c"': "a_b_ _c_", "con": "_con"}
    for name in {label for label in expected.values() if label}:
        folder = safe.get(name, name)
        if name == "unlabelled":
            folder = next(n for n in there if n.startswith("unlabelled-"))
        assert there.pop(folder) == sum(label == name for label in expected.values())
    assert not there


def test_pyarrow_reads_the_parquet(labelled_run: Path, tmp_path: Path) -> None:
    from pyarrow import parquet as arrow

    for name in ("parquet", "embedding-atlas"):
        export(labelled_run, name, tmp_path / name)
        table = arrow.read_table(tmp_path / name)
        assert {"id", "path", "cluster", "label", "confidence"} <= set(table.column_names)
    picture = table.column("image")[0].as_py()
    assert picture["bytes"].startswith(b"\x89PNG")
    assert picture["path"] == table.column("path")[0].as_py()


def test_pycocotools_reads_coco(labelled_run: Path, expected: dict, tmp_path: Path) -> None:
    from pycocotools import coco as reader

    export(labelled_run, "coco", tmp_path / "out")
    coco = reader.COCO(tmp_path / "out" / "annotations.json")
    assert len(coco.getImgIds()) == len(expected)
    of_image = {image["id"]: image for image in coco.loadImgs(coco.getImgIds())}
    got = {image["path"]: None for image in of_image.values()}
    for note in coco.loadAnns(coco.getAnnIds()):
        name = coco.loadCats(note["category_id"])[0]["name"]
        got[of_image[note["image_id"]]["path"]] = name
    assert got == expected
    for image in of_image.values():
        with Image.open(tmp_path / "out" / image["file_name"]) as opened:
            assert opened.size == (image["width"], image["height"])


def test_label_studio_finds_its_tasks(labelled_run: Path, expected: dict, tmp_path: Path) -> None:
    export(labelled_run, "labelstudio", tmp_path / "my tasks")
    tasks = json.loads((tmp_path / "my tasks" / "tasks.json").read_text())
    config = ElementTree.parse(tmp_path / "my tasks" / "config.xml")  # noqa: S314 - our own
    choices = {choice.get("value") for choice in config.iter("Choice")}
    for task in tasks:
        prefix, _, path = task["data"]["image"].partition("?d=")
        assert prefix == "/data/local-files/"
        assert (tmp_path / unquote(path)).is_file()
        (prediction,) = task["predictions"]
        assert 0 < prediction["score"] <= 1
        (result,) = prediction["result"]
        assert (result["from_name"], result["to_name"]) == ("label", "image")
        (choice,) = result["value"]["choices"]
        assert choice in choices
        label = expected[task["data"]["path"]]
        assert choice == (label or f"cluster {task['data']['cluster']}")


@pytest.mark.slow
def test_label_studios_own_schema_takes_the_predictions(labelled_run: Path, tmp_path: Path) -> None:
    from label_studio_sdk import label_interface as sdk

    export(labelled_run, "labelstudio", tmp_path / "out")
    interface = sdk.LabelInterface((tmp_path / "out" / "config.xml").read_text())
    for task in json.loads((tmp_path / "out" / "tasks.json").read_text()):
        (prediction,) = task["predictions"]
        assert interface.validate_prediction(prediction)
        prediction["result"][0]["value"]["choices"] = ["never heard of"]
        assert not interface.validate_prediction(prediction)


def test_fiftyones_layout(labelled_run: Path, expected: dict, tmp_path: Path) -> None:
    """As its importer reads it: data/ without suffixes against the keys of labels.json."""
    export(labelled_run, "fiftyone", tmp_path / "out")
    said = json.loads((tmp_path / "out" / "labels.json").read_text())
    files = {p.stem: p for p in (tmp_path / "out" / "data").iterdir()}
    assert set(files) == set(said["labels"])
    assert len(files) == len(expected)
    assert set(said) == {"labels"}
    got = [None if t is None else t["label"] for t in said["labels"].values()]
    assert sorted(got, key=str) == sorted(expected.values(), key=str)
    assert all(0 < t["confidence"] <= 1 for t in said["labels"].values() if t)


def test_imagefolders_metadata_names_every_file(
    labelled_run: Path, expected: dict, tmp_path: Path
) -> None:
    export(labelled_run, "imagefolder", tmp_path / "out")
    table = pl.read_csv(tmp_path / "out" / "metadata.csv", schema_overrides={"label": pl.String})
    assert table.columns[0] == "file_name"
    assert dict(table.select("path", "label").iter_rows()) == expected
    files = {str(p.relative_to(tmp_path / "out")) for p in (tmp_path / "out" / "images").iterdir()}
    assert set(table["file_name"]) == files


@pytest.mark.slow
def test_hugging_face_loads_the_imagefolder(
    labelled_run: Path, expected: dict, pictures: Path, tmp_path: Path
) -> None:
    import datasets

    export(labelled_run, "imagefolder", tmp_path / "out", how="symlink")
    loaded = datasets.load_dataset(
        "imagefolder", data_dir=str(tmp_path / "out"), split="train", cache_dir=str(tmp_path / "c")
    )
    assert dict(zip(loaded["path"], loaded["label"], strict=True)) == expected
    for row in loaded:
        with Image.open(pictures / row["path"]) as own:
            np.testing.assert_array_equal(np.asarray(row["image"]), np.asarray(own))
