"""Exports of real runs: what is in them, and that nothing of the user's changes."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import InputError, PictreeError, RunError
from pictree.export.export import export, export_text
from pictree.export.formats import FORMATS
from pictree.store import Run
from tests.pipeline.conftest import command, command_json


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_table_has_every_file(folder_run: Path, tmp_path: Path) -> None:
    found = export(folder_run, "parquet", tmp_path / "out.parquet")
    assert found == {
        "to": "parquet", "output": str(tmp_path / "out.parquet"), "how": None, "images": 63,
        "labelled": 0, "linked": 0, "written": 0, "left_out": {},
    }  # fmt: skip
    table = pl.read_parquet(tmp_path / "out.parquet")
    run = Run.open(folder_run)
    assert table["path"].to_list() == run.inventory()["path"].to_list()
    assert table["outcome"].to_list() == run.inventory()["outcome"].to_list()
    by_path = {row["path"]: row for row in table.iter_rows(named=True)}
    copy, first = by_path["twice.png"], by_path["plain.png"]
    assert copy["duplicate_of"] == first["id"]
    assert (copy["cluster"], copy["confidence"]) == (first["cluster"], first["confidence"])
    assert by_path["broken.jpg"]["cluster"] is None
    export(folder_run, "csv", tmp_path / "out.csv")
    schema = {"label": pl.String, "labelled_by": pl.String, "purity_low": pl.Float64}
    csv = pl.read_csv(tmp_path / "out.csv", schema_overrides={**table.schema, **schema})
    assert csv.equals(table)


@pytest.mark.parametrize("how", ["copy", "hardlink", "symlink"])
def test_folders_hold_every_picture_and_leave_the_originals(
    how: str, folder_run: Path, pictures: Path, tmp_path: Path
) -> None:
    before = contents(pictures)
    found = export(folder_run, "folders", tmp_path / "out", how=how)
    assert found["images"] == 61
    assert found["left_out"] == {"unreadable": 1, "not an image": 1}
    assert (found["linked"], found["written"]) == ((0, 61) if how == "copy" else (61, 0))
    written = contents(tmp_path / "out")
    digest = {n: raw for n, raw in before.items() if n not in ("broken.jpg", "notes.md")}
    assert sorted(written.values()) == sorted(digest.values())
    assert contents(pictures) == before
    inode = (pictures / "plain.png").stat().st_ino
    same = [p for p in (tmp_path / "out").rglob("*.png") if p.stat().st_ino == inode]
    assert len(same) == (0 if how == "copy" else 1)
    links = [p for p in (tmp_path / "out").rglob("*") if p.is_symlink()]
    assert len(links) == (61 if how == "symlink" else 0)


def test_a_picture_is_in_the_folder_of_its_cluster(folder_run: Path, tmp_path: Path) -> None:
    export(folder_run, "folders", tmp_path / "out")
    run = Run.open(folder_run)
    table = run.inventory().join(run.assignments(), on="id")
    digits = len(str(table["cluster"].max()))
    expected = {
        (row["sha256"], f"unlabelled/cluster-{row['cluster']:0{digits}}")
        for row in table.iter_rows(named=True)
    }
    there = contents(tmp_path / "out")
    got = {(hashlib.sha256(raw).hexdigest(), str(Path(name).parent)) for name, raw in there.items()}
    assert got == expected


def test_a_dry_run_tells_what_would_be_done_and_writes_nothing(
    folder_run: Path, tmp_path: Path
) -> None:
    found = export(folder_run, "folders", tmp_path / "a" / "out", dry_run=True)
    assert list(tmp_path.iterdir()) == []
    export(folder_run, "folders", tmp_path / "a" / "out")
    assert {a["to"] for a in found["actions"]} == {
        str(p) for p in (tmp_path / "a" / "out").rglob("*") if p.is_file()
    }
    text = export_text(found)
    assert "new\\nline.png -> " in text
    assert text.endswith("\nnothing was written (--dry-run)")


def test_images_of_arrays_become_png(array_run: Path, digits: tuple, tmp_path: Path) -> None:
    found = export(array_run, "fiftyone", tmp_path / "out", how="symlink")
    assert (found["linked"], found["written"], found["left_out"]) == (0, 80, {})
    for name, at in [("digits.npz_first-7", 7), ("digits.npz_second-29", 79)]:
        image = np.asarray(Image.open(tmp_path / "out" / "data" / f"{name}.png"))
        np.testing.assert_array_equal(image, digits[0][at])


def test_arrays_that_were_in_memory_come_from_the_run(digits: tuple, tmp_path: Path) -> None:
    from tests.export.conftest import quick

    images = digits[0][[*range(40), 3]]
    found = export(quick(images, tmp_path / "run"), "imagefolder", tmp_path / "out")
    assert (found["images"], found["left_out"]) == (41, {})
    for at in (7, 40):
        image = np.asarray(Image.open(tmp_path / "out" / "images" / f"array-{at}.png"))
        np.testing.assert_array_equal(image, images[at])


def test_archives_keep_the_bytes_of_their_files(
    pictures: Path, tmp_path: Path, folder_run: Path
) -> None:
    from tests.export.conftest import quick

    shutil.make_archive(str(tmp_path / "pile"), "zip", pictures)
    run = quick(str(tmp_path / "pile.zip"), tmp_path / "run")
    found = export(run, "imagefolder", tmp_path / "out", how="hardlink")
    assert (found["linked"], found["written"]) == (0, 61)
    written = contents(tmp_path / "out" / "images").values()
    assert set(written) == set(contents(pictures).values()) - {
        (pictures / "broken.jpg").read_bytes(), b"no picture",
    }  # fmt: skip


def test_rows_of_a_table_keep_the_bytes_of_their_pictures(pictures: Path, tmp_path: Path) -> None:
    from tests.export.conftest import quick

    raw = [p.read_bytes() for p in sorted(pictures.rglob("*")) if p.suffix in (".png", ".jpg")]
    pl.DataFrame({"image": raw}).write_parquet(tmp_path / "pile.parquet")
    run = quick(str(tmp_path / "pile.parquet"), tmp_path / "run")
    found = export(run, "folders", tmp_path / "out", how="symlink")
    assert found["linked"] == 0
    written = contents(tmp_path / "out")
    assert set(written.values()) == set(raw) - {(pictures / "broken.jpg").read_bytes()}
    for name, bytes_ in written.items():
        assert name.endswith(".jpg" if bytes_.startswith(b"\xff\xd8") else ".png")


def test_what_has_gone_or_changed_is_left_out_and_told(
    pictures: Path, folder_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(pictures, tmp_path / "pile")
    from tests.export.conftest import quick

    run = quick(tmp_path / "pile", tmp_path / "run")
    (tmp_path / "pile" / "CON.png").unlink()
    (tmp_path / "pile" / "<script>.png").write_bytes((pictures / "plain.png").read_bytes())
    found = export(run, "coco", tmp_path / "out")
    assert found["left_out"] == {
        "unreadable": 1,
        "not an image": 1,
        "the file is gone": 1,
        "its content has changed since the fit": 1,
    }
    said = json.loads((tmp_path / "out" / "annotations.json").read_text())
    assert len(said["images"]) == found["images"] == 59
    assert export_text(found).splitlines() == [
        "59 images, 0 with a label",
        *(f"  left out: 1 {reason}" for reason in found["left_out"]),
        f"coco: {tmp_path / 'out'}",
    ]


def test_pictures_added_later_are_exported_too(
    pictures: Path, digits: tuple, tmp_path: Path
) -> None:
    from pictree.pipeline.add import add
    from tests.export.conftest import quick

    run = quick(pictures, tmp_path / "run")
    more = tmp_path / "more"
    more.mkdir()
    Image.fromarray(digits[0][70]).save(more / "plain.png")
    add(run, more)
    found = export(run, "imagefolder", tmp_path / "out")
    assert found["images"] == 62
    table = pl.read_csv(tmp_path / "out" / "metadata.csv").sort("id")
    assert table["file_name"][-1] == "images/plain-000063.png"
    image = np.asarray(Image.open(tmp_path / "out" / table["file_name"][-1]))
    np.testing.assert_array_equal(image, digits[0][70])
    assert table["confidence"].null_count() == 0


def test_embedding_atlas_has_points_and_pictures(
    folder_run: Path, digits: tuple, tmp_path: Path
) -> None:
    export(folder_run, "embedding-atlas", tmp_path / "out.parquet")
    table = pl.read_parquet(tmp_path / "out.parquet")
    run = Run.open(folder_run)
    assert {"x", "y", "image", "cluster", "label"} <= set(table.columns)
    first = table.filter(pl.col("path") == "plain.png").row(0, named=True)
    row = run.used()["path"].to_list().index("plain.png")
    assert (first["x"], first["y"]) == tuple(run.maps()["pca"][row].tolist())
    pixels = np.asarray(Image.open(io.BytesIO(first["image"]["bytes"])))
    np.testing.assert_array_equal(pixels, run.array("pixels")[row][..., 0])
    copy = table.filter(pl.col("path") == "twice.png").row(0, named=True)
    assert (copy["x"], copy["y"]) == (first["x"], first["y"])


@pytest.mark.parametrize("name", FORMATS)
def test_an_output_that_exists_is_refused(name: str, folder_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.symlink_to(tmp_path / "nothing")
    with pytest.raises(InputError) as caught:
        export(folder_run, name, out)
    said = f"the output must be new; got {out}, which exists. Choose another name."
    assert str(caught.value) == said


def test_mistakes_are_one_sentence(folder_run: Path, tmp_path: Path) -> None:
    cases = [
        (("voc",), {}, "--to must be one of folders, csv, parquet, imagefolder, labelstudio, "
         "coco, fiftyone, embedding-atlas; got 'voc'. Choose one of these."),
        (("folders",), {"how": "move"}, "--how must be one of copy, hardlink, symlink; got 'move'. "
         "Choose one of these."),
        (("csv",), {"only": "some"}, "--only must be one of all, labelled; got 'some'. "
         "Choose one of these."),
        (("csv",), {"only": "labelled"}, f"--only labelled needs a label; got none in {folder_run}."
         f" Give labels with `pictree label {folder_run}`, or leave --only out."),
    ]  # fmt: skip
    for words, options, said in cases:
        with pytest.raises(PictreeError) as caught:
            export(folder_run, *words, tmp_path / "out", **options)
        assert str(caught.value) == said
    inside = folder_run / "sorted"
    with pytest.raises(InputError) as caught:
        export(folder_run, "folders", inside)
    assert str(caught.value) == (
        f"the output must not be inside the run; got {inside}. Choose another folder."
    )


def test_hard_links_across_file_systems_are_refused(folder_run: Path) -> None:
    other = Path("/dev/shm")  # noqa: S108 - another file system on Linux
    if not other.is_dir() or other.stat().st_dev == folder_run.stat().st_dev:
        pytest.skip("one file system only")
    out = other / "pictree-export-test"
    with pytest.raises(RunError, match="hard links need the pictures and the export on one file"):
        export(folder_run, "folders", out, how="hardlink")
    assert not out.exists()
    assert not list(other.glob(".tmp-*"))


def test_the_command(folder_run: Path, tmp_path: Path) -> None:
    found = command_json("export", folder_run, "--to", "coco", "-o", tmp_path / "out")
    assert (found["images"], found["output"]) == (61, str(tmp_path / "out"))
    done = command("export", folder_run, "--to", "coco", "-o", tmp_path / "out")
    assert done.returncode == 2
    assert done.stderr == (
        f"pictree: the output must be new; got {tmp_path / 'out'}, which exists. "
        "Choose another name.\n"
    )
