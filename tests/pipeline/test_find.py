"""Found things of real runs, by the command and by the call."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import InputError
from pictree.pipeline.find import KINDS, find
from pictree.pipeline.find_text import find_text
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
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


@pytest.mark.parametrize("what", KINDS)
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
    assert len(near) <= 5  # some ones look the same


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
    found = find(tmp_path / "run", "duplicates")
    leaks = {(row["id"], row["other"], row["kind"]) for row in found["rows"] if row["leak"]}
    assert leaks == {(7, 100, "exact"), (0, 101, "near")}
    assert found["about"]["leaks"] == 2


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
        "what to find must be one of duplicates, outliers, label-errors, blurred, dark, odd-sizes; "
        "got 'mistakes'. Choose one of these."
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


@pytest.mark.parametrize("what", [kind for kind in KINDS if kind != "label-errors"])
def test_few_images_have_nothing_odd(what: str, array: Path) -> None:
    assert find(array, what)["found"] == 0


def test_long_and_odd_paths_take_one_line() -> None:
    row = {"id": 1, "path": "x" * 60 + "\n.png", "value": 0.123456, "none": None}
    found = {"images": 1, "found": 1, "about": {}, "rows": [row], "output": None}
    last = find_text(found).splitlines()[-1]
    assert last == f"1   …{'x' * 41}\\n.png  0.1235  -"
