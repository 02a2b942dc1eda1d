"""Photographs, through the whole chain, with the real packaged weights."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.clustering.instant import instant_tree
from pictree.errors import InputError, RecipeError, RunError
from pictree.features.packaged import PACKAGE
from pictree.images.sources import open_source
from pictree.pipeline.add import add
from pictree.pipeline.choice import choose_recipe, decide
from pictree.pipeline.compare import compare
from pictree.pipeline.features import WEIGHTS
from pictree.pipeline.find import find
from pictree.pipeline.fit import fit
from pictree.pipeline.options import recipes_of
from pictree.pipeline.predict import predict
from pictree.pipeline.text import fit_text
from pictree.pipeline.verify import verify
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, change, load_recipe
from pictree.store import Run
from tests.features.photographs import KINDS, write_crops
from tests.pipeline.conftest import command


def photos(**changes: object) -> Recipe:
    quick = {"maps.methods": ["pca"], "clustering.k": len(KINDS)}
    return change(load_recipe("photos"), **quick, **changes)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_crops(tmp_path_factory.mktemp("photos") / "pile", each=16, seed=0)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_crops(tmp_path_factory.mktemp("photos") / "fresh", each=3, seed=1)


@pytest.fixture(scope="module")
def made(folder: Path) -> Path:
    out = folder.parent / "run"
    fit(folder, out, recipe=photos(), known_labels="folders")
    return out


@pytest.fixture
def run(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


def test_kinds_that_pixels_do_not_tell_are_found(made: Path) -> None:
    run = Run.open(made)
    plain = {b["name"]: b["scores"]["acc"] for b in run.metrics["baselines"]}
    assert plain["k-means on pixels"] < 0.8
    assert run.metrics["scores"]["acc"] > 0.95
    assert run.metrics["agreement"] > 0.9
    assert run.array("codes").shape == (64, 1280)
    assert run.array("pixels").shape == (64, 224, 224, 3)


def test_the_run_says_which_network_saw_the_pictures_and_keeps_it(made: Path) -> None:
    run = Run.open(made)
    assert list(run.info["stages"]) == ["stock", "features", "group", "judge", "maps"]
    features = run.info["features"]
    assert (features["network"], features["width"], features["side"]) == (
        "efficientnet-lite0",
        1280,
        224,
    )
    assert features["sha256"].startswith("579344248a93")
    assert (made / WEIGHTS).stat().st_size < 15_000_000
    assert {path.name for path in (made / "model").iterdir()} == {"features.safetensors"}
    page = (made / "report.html").read_text(encoding="utf-8")
    for said in (
        "<h2>Where do the codes come from?</h2>",
        "From a network that was trained elsewhere, on other pictures: 1,280 numbers for each",
        "kinds that differ in little (flowers, breeds, faults of one part) it may see as one",
        features["sha256"],
    ):
        assert said in page


def test_new_photographs_find_their_kind_without_the_package(
    run: Path, fresh: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)
    found = predict(run, fresh, known_labels="folders")
    assert (found["used"], found["acc"]) == (12, 1.0)
    table = pl.read_csv(run / "predictions.csv")
    same = table["path"].str.split("/").list.first() == (
        table["nearest_path"].str.split("/").list.first()
    )
    assert same.all()


def test_photographs_join_a_run(run: Path, fresh: Path) -> None:
    found = add(run, fresh, known_labels="folders")
    assert (found["used"], found["acc"]) == (12, 1.0)
    opened = Run.open(run)
    assert opened.array("codes").shape == (76, 1280)
    assert not list((run / "errors").glob("*"))
    assert verify(run)["damaged"] == []
    assert compare(run, run)["figures"]["features"] == ["efficientnet-lite0"] * 2


@pytest.mark.parametrize("name", ["codes/00000.npy", WEIGHTS])
def test_what_is_damaged_is_made_again_to_the_same_bytes(run: Path, name: str) -> None:
    before = (run / name).read_bytes()
    (run / name).write_bytes(before[:-9])
    found = verify(run, mend=True)
    assert (found["damaged"], found["repaired"], found["left"]) == ([name], [name], {})
    assert (run / name).read_bytes() == before


def test_changed_weights_see_nothing(run: Path, fresh: Path) -> None:
    data = bytearray((run / WEIGHTS).read_bytes())
    data[-1] ^= 1
    (run / WEIGHTS).write_bytes(data)
    with pytest.raises(RunError) as caught:
        predict(run, fresh)
    assert str(caught.value) == (
        f"Every file of a run must be as its manifest says; got {run / WEIGHTS}, which was changed "
        "since. Mend it by `pictree verify --repair RUN`, or restore it from a copy."
    )


def test_odd_things_are_found_among_features(made: Path) -> None:
    assert find(made, "outliers")["images"] == 64
    assert find(made, "duplicates")["about"]["exact"] == 0


def test_a_file_of_weights_stays_where_it_is_and_is_asked_for(
    tmp_path: Path, folder: Path, fresh: Path, made: Path
) -> None:
    file = tmp_path / "net.safetensors"
    shutil.copy(made / WEIGHTS, file)
    few = [str(path) for path in sorted(folder.rglob("00[0-3].jpg"))]
    out = tmp_path / "run"
    fit(few, out, recipe=photos(**{"features.network": str(file), "features.side": 64}))
    assert not (out / WEIGHTS).exists()
    moved = file.rename(tmp_path / "moved.safetensors")
    with pytest.raises(InputError, match="the file of the features must exist"):
        predict(out, fresh)
    found = predict(out, fresh, features=str(moved), output=tmp_path / "new.csv")
    assert found["used"] == 12
    with pytest.raises(InputError) as caught:
        predict(out, fresh, features="efficientnet-lite0", output=tmp_path / "other.csv")
    assert str(caught.value) == (
        "new pictures must be seen by the network that saw those of the fit; got other weights in "
        "efficientnet-lite0. Pass the same weights by --features."
    )


def test_features_and_learning_do_not_go_together() -> None:
    with pytest.raises(RecipeError) as caught:
        change(load_recipe("tree"), **{"features.network": "efficientnet-lite0"})
    assert str(caught.value) == (
        "nothing is learned on features of another network; got features.network = "
        "'efficientnet-lite0' and [rounds]. Set rounds.count to 0, or take recipe photos."
    )


def test_a_doubtful_run_on_colour_pictures_names_the_way_out(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (80, 8, 8, 3), dtype=np.uint8)
    quick = change(load_recipe("quick"), **{"maps.methods": []})
    said = {}
    for name in ("there", "absent"):
        if name == "absent":
            monkeypatch.setitem(sys.modules, PACKAGE, None)
        fit(noise, tmp_path / name, recipe=quick)
        said[name] = Run.open(tmp_path / name).metrics["verdict"][-1]
    assert said == {
        "there": "If these are photographs, --recipe photos may see more in them.",
        "absent": "If these are photographs, a network that has seen many may see more in them: "
        "pip install 'pictree[photos]', and fit again.",
    }
    fit(noise[..., :1], tmp_path / "grey", recipe=quick)
    assert "photographs" not in Run.open(tmp_path / "grey").metrics["verdict"][-1]


def test_clusters_that_are_places_say_so(tmp_path: Path) -> None:
    """One part, a little elsewhere in each picture, as a camera above a belt sees it."""
    rng, across = np.random.default_rng(0), np.arange(24) - 11.5
    down, right = (
        1 / (1 + np.exp(2 * (np.abs(across - shift[:, None]) - 6)))
        for shift in rng.uniform(-1, 1, (2, 200))
    )
    light = 40 + 180 * down[:, :, None] * right[:, None, :] + rng.normal(0, 2, (200, 24, 24))
    quick = change(load_recipe("quick"), **{"maps.methods": []})
    found = fit(light.clip(0, 255).astype(np.uint8), tmp_path / "run", recipe=quick)
    metrics = Run.open(tmp_path / "run").metrics
    assert metrics["verdict"][-2:] == metrics["advice"] == found["advice"]
    share = re.search(r"[(](\d+)%", metrics["advice"][0])
    assert share is not None
    assert int(share[1]) > 80
    assert metrics["advice"] == [
        "These clusters are places: the pictures are of one thing that lies a little elsewhere in "
        f"each ({share[1]}% of what differs between them), and the clusters go by that.",
        "Fit again with --recipe photos, which minds it less, or cut the thing out at the same "
        "place in each. Single odd pictures: pictree find outliers RUN, best of a fit with "
        "--recipe quick.",
    ]
    assert "\n".join(metrics["advice"]) in fit_text(found)


# the choice


def test_photographs_are_told_from_digits_without_a_label(
    tmp_path: Path, folder: Path, digits: tuple
) -> None:
    plain, seen = recipes_of({"recipe": "auto"})
    assert seen is not None
    for pictures, name in ((folder, "photos"), (digits[0][:600], "tree")):
        source = open_source(pictures)
        recipe, choice = choose_recipe(Run(tmp_path), source, plain, seen, 0, Progress())
        assert choice is not None
        assert (recipe.name, choice.recipe, choice.images) == (name, name, len(source))


def test_features_must_be_clearly_better() -> None:
    rng = np.random.default_rng(0)
    apart = np.repeat(np.eye(5), 40, axis=0) * 9 + rng.normal(size=(200, 5)) * 0.3
    mixed = rng.normal(size=(200, 5))
    clear, unclear = instant_tree(apart), instant_tree(mixed)
    same = decide([clear, clear], "tree", "photos", 200)
    assert same.recipe == "tree"
    assert same.reason.endswith("efficientnet-lite0, so pixels are taken")
    assert decide([unclear, unclear], "tree", "photos", 200).recipe == "tree"
    assert decide([clear, unclear], "tree", "photos", 200).recipe == "tree"
    fair = instant_tree(apart + np.random.default_rng(1).normal(size=(200, 5)) * 2)
    gain = decide([fair, clear], "tree", "photos", 200)
    assert (gain.recipe, gain.pixels < gain.features) == ("tree", True)
    assert gain.reason.endswith(
        "on features of efficientnet-lite0, not clearly better, so pixels are taken; "
        "--recipe photos takes features"
    )
    found = decide([unclear, clear], "tree", "photos", 200)
    assert found.recipe == "photos"
    assert found.reason == (
        f"of 200 images looked at, in {found.k} clusters, the runs agree at {found.pixels:.2f} on "
        f"pixels and at {found.features:.2f} on features of efficientnet-lite0, so features are "
        "taken"
    )


def test_photographs_of_few_kinds_are_told_too(tmp_path: Path) -> None:
    """Runs on their pixels agree well: light and dark, red and green."""
    folder = write_crops(tmp_path / "pile", 40, 0, ("astronaut", "chelsea", "coffee", "flower"))
    plain, seen = recipes_of({"recipe": "auto"})
    source = open_source(folder)
    recipe, choice = choose_recipe(Run(tmp_path), source, plain, seen, 0, Progress())
    assert choice is not None
    assert recipe.name == "photos"


def test_what_was_asked_for_is_not_chosen_again() -> None:
    assert recipes_of({"recipe": "tree"})[1] is None
    recipe, other = recipes_of({"recipe": "auto", "features": "timm:resnet18"})
    assert (recipe.name, recipe.features.network, other) == ("photos", "timm:resnet18", None)


@pytest.mark.slow
def test_fit_chooses_photos_says_why_and_goes_on_with_it(tmp_path: Path, folder: Path) -> None:
    out = tmp_path / "run"
    words = ("fit", folder, "-o", out, "--known-labels", "folders", "--k", "4")
    done = command(*words)
    assert done.returncode == 0, done.stderr
    reason = Run.open(out).info["choice"]["reason"]
    assert f"recipe photos: {reason}" in done.stdout
    assert reason in (out / "report.html").read_text(encoding="utf-8")
    shutil.rmtree(out / "maps")
    again = command(*words, "--resume")
    assert again.returncode == 0, again.stderr
    assert Run.open(out).info["recipe"] == "photos"
