"""Recipe pairs through the whole chain: the instant tree, what was learned, being stopped."""

from __future__ import annotations

import shutil
from pathlib import Path

import polars as pl
import pytest

from pictree.estimators.clusterer import ImageClusterer
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit, summary
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import Recipe, change, load_recipe, to_toml
from pictree.store import Run
from tests.pipeline.test_rounds import StopAfter, whole


def short_recipe() -> Recipe:
    """Return recipe pairs with a few short epochs and a PCA map."""
    short = {"pairs.epochs": 3, "pairs.self_epochs": 2, "pairs.images": 1_200, "pairs.code": 16}
    few = {"pairs.batch_size": 100, "maps.methods": ["pca"]}
    words = {"clustering.k": 10, **short, **few}
    return change(load_recipe("pairs"), **words)


@pytest.fixture(scope="module")
def pairs_run(tmp_path_factory: pytest.TempPathFactory, digits_npz: Path) -> Path:
    """600 digits, five epochs."""
    out = tmp_path_factory.mktemp("runs") / "pairs"
    fit(f"{digits_npz}:images", out, recipe=short_recipe(), known_labels="known")
    return out


def test_what_was_learned_is_told_beside_the_start(pairs_run: Path) -> None:
    run = Run.open(pairs_run)
    told = run.info["rounds"]
    assert told["kept"] == (told["ended"] >= told["started"])
    assert [row["epoch"] for row in told["rows"]] == [1, 2, 3, 4, 5]
    assert summary(run)["chosen"] == ("trained" if told["kept"] else "instant")
    assert not (pairs_run / "rounds").exists()
    page = (pairs_run / "report.html").read_text(encoding="utf-8")
    assert "5 epochs: agreement " in page


def test_the_tree_is_cut_and_the_network_predicts(
    pairs_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    predict(pairs_run, f"{digits_npz}:images", output=tmp_path / "old.csv")
    old = pl.read_csv(tmp_path / "old.csv")["cluster"].to_list()
    assert old == Run.open(pairs_run).assignments()["cluster"].to_list()
    found = predict(
        pairs_run, f"{digits_npz}:fresh", output=tmp_path / "new.csv", known_labels="fresh_known"
    )
    assert found["acc"] > 0.4
    run = shutil.copytree(pairs_run, tmp_path / "run")
    assert len(cut(run, 15)["sizes"]) == 15


@pytest.mark.parametrize("batches", [20, pytest.param(50, marks=pytest.mark.slow)])
def test_a_stopped_run_resumes_to_the_same_bytes(
    pairs_run: Path, digits_npz: Path, tmp_path: Path, batches: int
) -> None:
    source = f"{digits_npz}:images"
    words = {"recipe": short_recipe(), "known_labels": "known"}
    with pytest.raises(KeyboardInterrupt):
        fit(source, tmp_path / "b", progress=StopAfter("learning", batches), **words)
    fit(source, tmp_path / "b", resume=True, **words)
    assert whole(tmp_path / "b") == whole(pairs_run)


def test_the_estimator_learns_from_pairs_too(digits: tuple, tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(to_toml(short_recipe()), encoding="utf-8")
    X = digits[0][:400]
    model = ImageClusterer(10, recipe=file, random_state=0).fit(X)
    assert model.n_clusters_ == 10
    assert model.predict(X).tolist() == model.labels_.tolist()
