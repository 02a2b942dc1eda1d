"""Found things of real runs, by the command and by the call."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import InputError, SourceError
from pictree.pipeline.find import KINDS, find
from pictree.pipeline.find_text import find_text
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.pipeline.conftest import command, command_json

QUICK = {"maps.methods": ["pca"]}


@pytest.fixture(scope="module")
def pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Two hundred digits in folders by kind; a copy, a near copy, a wide one, a wrong label."""
    folder = tmp_path_factory.mktemp("pile")
    for i, (image, known) in enumerate(zip(digits[0][:200], digits[1][:200], strict=True)):
        file = folder / str(known) / f"{i:03}.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(file)
    first = Image.fromarray(digits[0][0])
    first.save(folder / "7" / "copy.jpg", quality=60)
    (folder / "3").mkdir(exist_ok=True)
    (folder / "3" / "twin.png").write_bytes((folder / "7" / "000.png").read_bytes())
    first.resize((280, 28)).save(folder / "7" / "wide.png")
    return folder


@pytest.fixture(scope="module")
def run(pile: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of them."""
    out = tmp_path_factory.mktemp("runs") / "run"
    recipe = change(load_recipe("quick"), **QUICK)
    fit(pile, out, recipe=recipe, known_labels="folders")
    return out


@pytest.mark.parametrize("what", [kind for kind in KINDS if kind != "leaks"])
def test_every_kind_names_pictures_and_changes_nothing(what: str, run: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*")}
    found = find(run, what)
    assert found["found"] == len(found["rows"])
    json.dumps(found, allow_nan=False)
    assert all("path" in row for row in found["rows"])
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*")} == before


def test_copies_to_the_byte_and_near_ones(run: Path) -> None:
    rows = find(run, "duplicates")["rows"]
    exact = {(row["path"], row["other_path"]) for row in rows if row["kind"] == "exact"}
    near = {frozenset((row["path"], row["other_path"])) for row in rows if row["kind"] == "near"}
    assert exact == {("3/twin.png", "7/000.png")}
    assert frozenset(("3/twin.png", "7/copy.jpg")) in near
    others = near - {
        frozenset(("3/twin.png", "7/copy.jpg")),
        frozenset(("7/000.png", "7/copy.jpg")),
    }
    assert {path.split("/")[0] for pair in others for path in pair} <= {"1"}  # ones look the same
    assert len(others) <= 8


def test_copies_with_other_labels_are_label_errors(run: Path) -> None:
    rows = find(run, "label-errors")["rows"]
    twin = next(row for row in rows if row["why"] != "neighbours")
    assert (twin["path"], twin["known_label"], twin["suggested"], twin["why"]) == (
        "7/000.png", "7", "3", "copy of 3/twin.png",
    )  # fmt: skip


def test_odd_sizes(run: Path) -> None:
    rows = find(run, "odd-sizes")["rows"]
    assert [(row["path"], row["why"]) for row in rows] == [("7/wide.png", "large, wide")]


def test_a_copy_in_the_held_out_part_is_a_leak(digits: tuple, tmp_path: Path) -> None:
    images = digits[0][:100]
    buffer = io.BytesIO()
    Image.fromarray(images[0]).save(buffer, "JPEG", quality=70)
    held_out = np.stack([images[7], np.asarray(Image.open(buffer)), digits[0][150]])
    recipe = change(load_recipe("quick"), **QUICK)
    fit(images, tmp_path / "run", recipe=recipe, validation=held_out)
    found = find(tmp_path / "run", "leaks")
    leaks = [(row["id"], row["other"], row["kind"], row["split"]) for row in found["rows"]]
    assert leaks == [(100, 7, "exact", "validation"), (101, 0, "near", "validation")]
    assert found["about"] == {"exact": 1, "near": 1, "train": 100, "validation": 3}


@pytest.fixture(scope="module")
def split_pile(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Train and test in folders by kind: a copy, a near copy, one that is twice in train alone."""
    top = tmp_path_factory.mktemp("splits") / "pile"
    for i, (image, known) in enumerate(zip(digits[0][:240], digits[1][:240], strict=True)):
        file = top / ("train" if i < 180 else "test") / str(known) / f"{i:03}.png"
        file.parent.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(file)
    Image.fromarray(digits[0][0]).save(top / "test" / "7" / "again.jpg", quality=60)
    (top / "test" / "2" / "copy.png").write_bytes((top / "train" / "2" / "001.png").read_bytes())
    (top / "train" / "1" / "copy.png").write_bytes((top / "train" / "1" / "002.png").read_bytes())
    return top


@pytest.fixture(scope="module")
def split_run(split_pile: Path) -> Path:
    out = split_pile.parent / "run"
    fit(split_pile, out, recipe=change(load_recipe("quick"), **QUICK))
    return out


def test_leaks_between_folders_of_splits(split_run: Path) -> None:
    found = find(split_run, "leaks")
    assert found["about"] == {"exact": 1, "near": found["found"] - 1, "train": 181, "test": 62}
    rows = [(row["path"], row["other_path"], row["kind"]) for row in found["rows"]]
    assert rows[0] == ("test/2/copy.png", "train/2/001.png", "exact")
    assert ("test/7/again.jpg", "train/7/000.png", "near") in rows
    assert found["found"] <= 5  # some ones look the same
    assert all(row["split"] == "test" and row["other_split"] == "train" for row in found["rows"])


def test_the_report_shows_leaks_with_their_pictures(split_run: Path, run: Path) -> None:
    page = (split_run / "report.html").read_text(encoding="utf-8")
    _, _, section = page.partition('<h3 id="leaks">')
    section, _, _ = section.partition("<h3")
    assert "<p>There are 181 train files and 62 test files. " in section
    first, _, rest = section.partition("</li>")
    assert first.count("<img ") == 2
    assert '<span class="figure">same content</span>' in first
    assert '<b>test</b> <bdi class="path">test/2/copy.png</bdi>' in first
    assert '<b>train</b> <bdi class="path">train/2/001.png</bdi>' in first
    assert "test/7/again.jpg" in rest
    assert 'data-csv="leaks"' in section
    assert 'id="leaks"' not in (run / "report.html").read_text(encoding="utf-8")


def test_leaks_between_splits_that_a_csv_tells(split_run: Path, tmp_path: Path) -> None:
    """Other splits than the folders': the copy in train alone is a leak then."""
    paths = Run.open(split_run).inventory()["path"].to_list()
    told = ["" if p == "train/2/001.png" else "two" if "copy" in p else "one" for p in paths]
    file = tmp_path / "splits.csv"
    pl.DataFrame({"path": paths, "split": told}).write_csv(file)
    found = find(split_run, "leaks", splits=str(file))
    rows = [(row["path"], row["other_path"]) for row in found["rows"] if row["kind"] == "exact"]
    assert rows == [("train/1/002.png", "train/1/copy.png")]
    file.write_text("path,split\nnowhere.png,train\n")
    with pytest.raises(SourceError) as caught:
        find(split_run, "leaks", splits=str(file))
    assert str(caught.value) == (
        f"the paths in a CSV of splits must be those of the run; got 'nowhere.png' in the CSV, "
        f"{paths[0]!r} in the run. Write the paths as `pictree find` prints them."
    )


def test_leaks_between_splits_that_a_column_tells(digits: tuple, tmp_path: Path) -> None:
    buffers = [io.BytesIO() for _ in range(60)]
    for buffer, image in zip(buffers, digits[0], strict=False):
        Image.fromarray(image).save(buffer, "PNG")
    raw = [buffer.getvalue() for buffer in buffers]
    raw[50] = raw[3]
    splits = ["train"] * 40 + ["test"] * 20
    pl.DataFrame({"image": raw, "part": splits}).write_parquet(tmp_path / "x.parquet")
    fit(tmp_path / "x.parquet", tmp_path / "run", recipe=change(load_recipe("quick"), **QUICK))
    found = find(tmp_path / "run", "leaks", splits="part")
    rows = [(row["path"], row["other_path"]) for row in found["rows"] if row["kind"] == "exact"]
    assert rows == [("x.parquet[50]", "x.parquet[3]")]
    with pytest.raises(InputError) as few:
        find(tmp_path / "run", "leaks")
    assert str(few.value) == (
        f"leaks needs pictures of two known splits; got 60 of train in {tmp_path / 'run'}. Fit "
        "folders named train and test, or with --validation, or name a column or CSV of splits "
        "with --splits."
    )
    (tmp_path / "x.parquet").unlink()
    with pytest.raises(SourceError) as gone:
        find(tmp_path / "run", "leaks", splits="part")
    assert str(gone.value) == (
        "'part' must be a CSV, or a key or column of the files of the run's pictures; got pictures "
        f"from 'x.parquet', which is not in {tmp_path / 'x.parquet'} any more, or has changed. "
        "Give a CSV with path and split."
    )


def test_splits_of_a_folder_have_no_column(split_run: Path) -> None:
    with pytest.raises(SourceError) as caught:
        find(split_run, "leaks", splits="part")
    assert str(caught.value) == (
        "'part' must be a CSV, or a key or column of the files of the run's pictures; got pictures "
        "from 'pile', which has no columns. Give a CSV with path and split."
    )
    with pytest.raises(InputError) as other:
        find(split_run, "dark", splits="part")
    assert str(other.value) == (
        "--splits says which pictures are train and which test, for leaks alone; got dark with "
        "'part'. Leave it out."
    )


def test_the_command_prints_a_table_and_saves_it(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "twice.csv"
    found = command_json("find", "duplicates", run, "-o", file)
    assert len(pl.read_csv(file)) == found["found"]
    text = command("find", "odd-sizes", run).stdout.splitlines()
    assert text[0] == "1 found among 203 images (usual 28×28)"
    assert text[1].split() == ["id", "path", "cluster", "why", "width", "height"]
    assert "7/wide.png" in text[2]


def test_mistakes_are_one_sentence(run: Path, small_run: Path, array: Path) -> None:
    with pytest.raises(InputError) as caught:
        find(run, "mistakes")
    assert str(caught.value) == (
        "what to find must be one of duplicates, leaks, outliers, label-errors, blurred, dark, "
        "odd-sizes; got 'mistakes'. Choose one of these."
    )
    with pytest.raises(InputError) as caught:
        find(array, "label-errors")
    assert str(caught.value) == (
        f"label-errors needs known labels; got none in {array}. Fit with --known-labels."
    )


@pytest.fixture(scope="module")
def array(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """A run of eight images without known labels: fewer than the rules ask for."""
    out = tmp_path_factory.mktemp("runs") / "eight"
    recipe = change(load_recipe("flat-2"), **QUICK, **{"training.epochs": 1})
    fit(digits[0][:8], out, recipe=recipe)
    return out


@pytest.mark.parametrize("what", [kind for kind in KINDS if kind not in ("label-errors", "leaks")])
def test_few_images_have_nothing_odd(what: str, array: Path) -> None:
    assert find(array, what)["found"] == 0


def test_long_and_odd_paths_take_one_line() -> None:
    row = {"id": 1, "path": "x" * 60 + "\n.png", "value": 0.123456, "none": None}
    found = {"images": 1, "found": 1, "about": {}, "rows": [row], "output": None}
    last = find_text(found).splitlines()[-1]
    assert last == f"1   …{'x' * 41}\\n.png  0.1235  -"


def test_nothing_heavy_is_loaded_to_look_for_copies(run: Path) -> None:
    lines = "import sys; from pictree.pipeline.find import find; find(sys.argv[1], 'duplicates')"
    told = f"{lines}; print('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", told, str(run)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"
