"""Pictures that join a run on codes that another network made."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.errors import InputError
from pictree.pipeline import place
from pictree.pipeline.add import add
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.pipeline.conftest import command_json


def other_network(images: np.ndarray) -> np.ndarray:
    """Return the mean of each 4 × 4 pixels."""
    return images.reshape(len(images), 7, 4, 7, 4).mean((2, 4)).reshape(len(images), 49)


@pytest.fixture
def run(tmp_path: Path, fitted: Path) -> Path:
    return Path(shutil.copytree(fitted, tmp_path / "run"))


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """200 digits on the other network's codes."""
    out, images = tmp_path_factory.mktemp("runs") / "fitted", digits[0][:200]
    recipe = change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": 5})
    fit(images, out, recipe=recipe, codes=other_network(images))
    return out


@pytest.fixture
def fresh(digits: tuple) -> np.ndarray:
    """30 digits: two are the fit's, and one is there twice."""
    return digits[0][[*range(198, 227), 210]]


def test_they_are_placed_by_their_codes(
    run: Path, fresh: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_BATCH", 8)
    codes = other_network(fresh)
    predict(run, fresh, codes=codes, output=tmp_path / "p.csv")
    found = add(run, fresh, codes=codes)
    assert (found["used"], found["duplicates"]) == (27, 3)
    opened = Run.open(run)
    told = pl.read_csv(tmp_path / "p.csv")["cluster"].to_list()
    assert opened.assignments()["cluster"].to_list()[200:] == told
    assert opened.array("codes")[200:].tolist() == codes[2:29].astype(np.float32).tolist()
    assert not (run / "errors").exists()
    assert opened.info["added"][0]["codes"]["shape"] == [30, 49]
    assert "227 images in 5 clusters" in (run / "report.html").read_text(encoding="utf-8")


def test_the_command_line_takes_them(run: Path, fresh: np.ndarray, tmp_path: Path) -> None:
    np.save(tmp_path / "new.npy", fresh)
    np.save(tmp_path / "codes.npy", other_network(fresh))
    found = command_json("add", run, tmp_path / "new.npy", "--codes", tmp_path / "codes.npy")
    assert found["used"] == 27


def test_without_codes_they_are_refused(run: Path, fresh: np.ndarray) -> None:
    with pytest.raises(InputError) as caught:
        add(run, fresh)
    assert str(caught.value) == (
        f"a run on given codes needs codes for new pictures too; got none for {run}, whose codes "
        "came from an array in memory. Make them with the same network, and add --codes FILE.npy."
    )
    assert not (run / "adding.json").exists()


def test_with_mended_codes_an_add_begins_anew(
    run: Path, fresh: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "_BATCH", 8)
    codes = other_network(fresh)
    broken = codes.copy()
    broken[20] = np.nan
    with pytest.raises(InputError, match="in row 20 of an array in memory"):
        add(run, fresh, codes=broken)
    assert len(Run.open(run).labels()) == 200
    add(run, fresh, codes=codes)
    assert Run.open(run).array("codes")[200:].tolist() == codes[2:29].astype(np.float32).tolist()
