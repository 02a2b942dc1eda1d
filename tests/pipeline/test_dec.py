"""Recipe dec through the whole chain: k-means first, then what was refined, stopped and resumed."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.clustering.flat import FlatClusters
from pictree.errors import PictreeError
from pictree.estimators.clusterer import ImageClusterer
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit, summary
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import Recipe, change, load_recipe, to_toml
from pictree.store import Run
from tests.pipeline.test_fit import bytes_of
from tests.pipeline.test_rounds import DieAdopting, StopAfter


def short_recipe() -> Recipe:
    """Return recipe dec with a small network, short training and a PCA map."""
    recipe = change(
        load_recipe("dec"),
        **{
            "training.epochs": 8,
            "clustering.k": 10,
            "dec.updates": 3,
            "dec.interval": 12,
            "dec.gamma": 1.0,
            "maps.methods": ["pca"],
        },
    )
    small = replace(recipe.network, encoder=(16, 32), decoder=(32, 16))
    return replace(recipe, network=small)


@pytest.fixture(scope="module")
def words() -> dict:
    return {"recipe": short_recipe(), "known_labels": "known"}


@pytest.fixture(scope="module")
def dec_run(tmp_path_factory: pytest.TempPathFactory, digits_npz: Path, words: dict) -> Path:
    """600 digits, three updates."""
    out = tmp_path_factory.mktemp("runs") / "dec"
    fit(f"{digits_npz}:images", out, **words)
    return out


def whole(run: Path) -> dict[str, bytes]:
    return bytes_of(run) | {"centres.npz": (run / "centres.npz").read_bytes()}


def test_what_was_refined_is_in_the_place_of_k_means(dec_run: Path) -> None:
    run = Run.open(dec_run)
    assert (run.clusters_name, run.info["instant"]) == ("dec-10", "kmeans-10")
    assert [row["update"] for row in run.info["rounds"]["rows"]] == [1, 2, 3]
    assert summary(run)["chosen"] == "trained"
    assert summary(run)["leaves"] == summary(run)["k"] == 10
    assert run.metrics["method"] == "dec"
    assert not (dec_run / "rounds").exists()
    centres = run.arrays("centres.npz")
    assert centres["centres"].shape == (10, 10)
    assert len(centres["confidence"]) == 599


def test_k_means_stands_beside_the_result(dec_run: Path) -> None:
    metrics = Run.open(dec_run).metrics
    floor = metrics["baselines"][-1]
    assert floor["name"] == "k-means on the codes, before refining"
    assert floor["scores"]["nmi"] > 0.2
    page = (dec_run / "report.html").read_text(encoding="utf-8")
    assert "k-means on the codes, before refining" in page
    assert "deep embedded clustering, 10 clusters" in page
    assert "3 updates of the target: " in page


def test_there_is_no_tree_to_cut(dec_run: Path) -> None:
    with pytest.raises(PictreeError, match="tree"):
        cut(dec_run, 5)


def test_new_pictures_get_the_nearest_centre_and_old_ones_theirs(
    dec_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    run = Run.open(dec_run)
    clusters = FlatClusters.from_arrays(run.arrays("clusters/dec-10/model.npz"))
    assert clusters.predict(run.array("codes")[:]).tolist() == run.labels().tolist()
    predict(dec_run, f"{digits_npz}:images", output=tmp_path / "old.csv")
    old = pl.read_csv(tmp_path / "old.csv")["cluster"].to_list()
    assert old == run.assignments()["cluster"].to_list()
    predict(dec_run, f"{digits_npz}:fresh", output=tmp_path / "new.csv")
    new = pl.read_csv(tmp_path / "new.csv")
    copy = shutil.copytree(dec_run, tmp_path / "run")
    add(copy, f"{digits_npz}:fresh")
    joined = Run.open(copy)
    assert joined.labels()[599:].tolist() == new["cluster"].to_list()
    sure = clusters.confidence(joined.array("codes")[np.arange(599, 659)])
    np.testing.assert_allclose(new["confidence"], sure, atol=6e-4)


def test_a_run_stopped_three_times_resumes_to_the_same_bytes(
    dec_run: Path, digits_npz: Path, tmp_path: Path, words: dict
) -> None:
    source = f"{digits_npz}:images"
    for label, batches in (("training", 5), ("refining", 30)):
        with pytest.raises(KeyboardInterrupt):
            fit(source, tmp_path / "b", progress=StopAfter(label, batches), resume=True, **words)
    with DieAdopting(9).armed():
        fit(source, tmp_path / "b", resume=True, **words)
    fit(source, tmp_path / "b", resume=True, **words)
    assert whole(tmp_path / "b") == whole(dec_run)


@pytest.mark.slow
@pytest.mark.parametrize(("label", "batches"), [("training", 5), ("refining", 30)])
def test_a_stopped_run_resumes_to_the_same_bytes(
    dec_run: Path, digits_npz: Path, tmp_path: Path, words: dict, label: str, batches: int
) -> None:
    source = f"{digits_npz}:images"
    with pytest.raises(KeyboardInterrupt):
        fit(source, tmp_path / "b", progress=StopAfter(label, batches), **words)
    fit(source, tmp_path / "b", resume=True, **words)
    assert whole(tmp_path / "b") == whole(dec_run)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [1, 9])
def test_a_kill_while_adopting_resumes_to_the_same_bytes(
    dec_run: Path, digits_npz: Path, tmp_path: Path, words: dict, moves: int
) -> None:
    with DieAdopting(moves).armed():
        fit(f"{digits_npz}:images", tmp_path / "b", **words)
    fit(f"{digits_npz}:images", tmp_path / "b", resume=True, **words)
    assert whole(tmp_path / "b") == whole(dec_run)


def test_deleted_clusters_are_written_again(
    dec_run: Path, digits_npz: Path, tmp_path: Path, words: dict
) -> None:
    run = shutil.copytree(dec_run, tmp_path / "run")
    shutil.rmtree(run / "clusters" / "dec-10")
    fit(f"{digits_npz}:images", run, resume=True, **words)
    assert whole(run) == whole(dec_run)


def test_the_estimator_refines_too(digits: tuple, tmp_path: Path) -> None:
    file = tmp_path / "short.toml"
    file.write_text(to_toml(short_recipe()), encoding="utf-8")
    X = digits[0][:300]
    model = ImageClusterer(10, recipe=file, random_state=0).fit(X)
    assert model.clusters_.method == "dec"
    assert model.predict(X).tolist() == model.labels_.tolist()
