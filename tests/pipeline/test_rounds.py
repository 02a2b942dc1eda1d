"""Recipe tree through the whole chain: the start, what was learned, and being stopped between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from pictree.evaluation.outliers import LIMIT, outliers
from pictree.neighbors import in_few_numbers
from pictree.pipeline import adopt as adopting
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.find import find
from pictree.pipeline.fit import fit, summary
from pictree.pipeline.predict import predict
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, change, load_recipe
from pictree.store import Run
from tests.pipeline.test_fit import bytes_of


def short_recipe(**changes: object) -> Recipe:
    """Return recipe tree with two short rounds and a PCA map."""
    short = {
        "rounds.count": 2,
        "rounds.images": 16_000,
        "rounds.growth": 0.0,
        "maps.methods": ["pca"],
    }
    return change(load_recipe("tree"), **{"clustering.k": 10, **short, **changes})


@pytest.fixture(scope="module")
def learned_run(tmp_path_factory: pytest.TempPathFactory, digits_npz: Path) -> Path:
    """600 digits, two rounds."""
    out = tmp_path_factory.mktemp("runs") / "learned"
    fit(f"{digits_npz}:images", out, recipe=short_recipe(), known_labels="known")
    return out


def test_what_was_learned_is_in_the_place_of_the_start(learned_run: Path) -> None:
    run = Run.open(learned_run)
    told = run.info["rounds"]
    assert told["kept"]
    assert told["ended"] >= told["started"]
    assert summary(run)["chosen"] == "trained"
    assert (run.clusters_name, run.info["instant"]) == ("tree-10", "instant-10")
    assert run.array("codes").shape == (599, 128)
    assert not (learned_run / "rounds").exists()
    assert run.metrics["agreement"] == told["ended"]


def test_outliers_are_told_by_the_codes_before_and_after_learning(learned_run: Path) -> None:
    run = Run.open(learned_run)
    pixels = run.array("pixels")[:].reshape(599, -1) / 255
    linear = PCA(50, svd_solver="full").fit(pixels)
    codes = linear.transform(pixels)
    errors = ((linear.inverse_transform(codes).clip(0, 1) - pixels) ** 2).mean(axis=1)
    scores = []
    for some, of in ((codes, errors), (run.array("codes")[:], run.array("errors")[:])):
        few = in_few_numbers(some)
        tenth = NearestNeighbors(n_neighbors=11).fit(few).kneighbors(few)[0][:, 10]
        scores.append(outliers(tenth, run.labels(), of).score)
    score = np.mean(scores, axis=0)
    rows = find(learned_run, "outliers")["rows"]
    names = run.used()["path"].to_list()
    assert {row["path"] for row in rows} == {names[i] for i in np.flatnonzero(score > LIMIT)}
    told = [row["score"] for row in rows]
    assert told == sorted(told, reverse=True)
    np.testing.assert_allclose(told, -np.sort(-score)[: len(rows)], atol=0.03)


def test_the_start_stands_beside_the_result(learned_run: Path) -> None:
    run = Run.open(learned_run)
    floor = run.metrics["baselines"][-1]
    assert floor["name"] == "the instant tree, before learning"
    assert floor["scores"]["acc"] > 0.5
    assert run.metrics["scores"]["nmi"] > floor["scores"]["nmi"]
    assert any("the instant tree, before learning" in text for text in run.metrics["verdict"])
    page = (learned_run / "report.html").read_text(encoding="utf-8")
    assert "the instant tree, before learning" in page
    assert "First report" not in page


def test_the_tree_is_cut_and_the_network_predicts(
    learned_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(learned_run, run)
    assert len(cut(run, 15)["sizes"]) == 15
    found = predict(
        run, f"{digits_npz}:fresh", output=tmp_path / "new.csv", known_labels="fresh_known"
    )
    assert found["used"] == 60
    assert found["acc"] > 0.5


@pytest.fixture(scope="module")
def added_run(learned_run: Path, digits_npz: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A copy with another cut, to which 60 digits were added."""
    run = tmp_path_factory.mktemp("runs") / "added"
    shutil.copytree(learned_run, run)
    cut(run, 15)
    add(run, f"{digits_npz}:fresh", known_labels="fresh_known")
    return Run.open(run)


def test_more_pictures_join_where_the_learned_network_puts_them(
    learned_run: Path, added_run: Run, digits_npz: Path, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    told = predict(learned_run, f"{digits_npz}:fresh", output=file, known_labels="fresh_known")
    assert added_run.labels()[599:].tolist() == pl.read_csv(file)["cluster"].to_list()
    scores = added_run.metrics["added"]
    assert scores == [{key: told[key] for key in ("acc", "ari", "nmi", "purity")}]
    assert added_run.array("codes").shape == (659, 128)
    assert len(added_run.array("errors")) == len(added_run.labels("tree-15")) == 659


def test_the_start_keeps_the_pictures_of_the_fit_alone(learned_run: Path, added_run: Run) -> None:
    assert added_run.clusterings() == ["tree-10", "tree-15"]
    before = Run.open(learned_run)
    assert added_run.assignments("instant-10").equals(before.assignments("instant-10"))
    assert added_run.metrics["baselines"] == before.metrics["baselines"]
    page = (added_run.path / "report.html").read_text(encoding="utf-8")
    assert "659 images in 10 clusters" in page
    assert "the instant tree, before learning" in page
    assert "Images that were added after the fit are not drawn here." in page


def test_what_is_lost_after_adding_is_judged_and_drawn_again(
    added_run: Run, digits_npz: Path, tmp_path: Path
) -> None:
    run = Run.open(shutil.copytree(added_run.path, tmp_path / "run"))
    (run.path / "metrics.json").unlink()
    (run.path / "maps" / "pca.npy").unlink()
    options = {"recipe": short_recipe(), "known_labels": "known", "resume": True}
    fit(f"{digits_npz}:images", run.path, **options)
    assert run.metrics == added_run.metrics
    assert run.maps()["pca"].tolist() == added_run.maps()["pca"].tolist()


@pytest.mark.slow
def test_one_seed_gives_the_same_bytes(learned_run: Path, digits_npz: Path, tmp_path: Path) -> None:
    fit(f"{digits_npz}:images", tmp_path / "b", recipe=short_recipe(), known_labels="known")
    assert whole(tmp_path / "b") == whole(learned_run)


def whole(run: Path) -> dict[str, bytes]:
    return bytes_of(run) | {"tree.npz": (run / "tree.npz").read_bytes()}


class StopAfter(Progress):
    """Interrupts when a piece of work begins that has this name, or at a batch of it."""

    def __init__(self, label: str, batches: int) -> None:
        self.label, self.left, self.is_on = label, batches, False

    def start(self, label: str, total: int) -> None:
        self.is_on = label == self.label
        self._count()

    def advance(self, n: int = 1) -> None:
        self._count()

    def _count(self) -> None:
        self.left -= self.is_on
        if self.is_on and self.left <= 0:
            raise KeyboardInterrupt


class DieAdopting:
    """Interrupts a fit while it adopts what was learned, before the move after so many."""

    def __init__(self, moves: int) -> None:
        self.left, self._replace, self._adopt = moves, Path.replace, adopting.adopt

    @contextmanager
    def armed(self) -> Iterator[None]:
        """Expect the fit inside to be interrupted."""

        def replace(path: Path, target: Path) -> Path:
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return self._replace(path, target)

        def adopt(*words: object) -> None:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Path, "replace", replace)
                self._adopt(*words)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("pictree.pipeline.fit.adopt", adopt)
            with pytest.raises(KeyboardInterrupt):
                yield


def test_a_run_stopped_while_learning_and_while_adopting_resumes_to_the_same_bytes(
    learned_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    source, arguments = f"{digits_npz}:images", {"recipe": short_recipe(), "known_labels": "known"}
    with pytest.raises(KeyboardInterrupt):
        fit(source, tmp_path / "b", progress=StopAfter("learning", 40), **arguments)
    with DieAdopting(3).armed():
        fit(source, tmp_path / "b", resume=True, **arguments)
    fit(source, tmp_path / "b", resume=True, **arguments)
    assert whole(tmp_path / "b") == whole(learned_run)


@pytest.mark.slow
@pytest.mark.parametrize(("label", "batches"), [("learning", 1), ("learning", 40), ("judging", 2)])
def test_a_stopped_run_resumes_to_the_same_bytes(
    learned_run: Path, digits_npz: Path, tmp_path: Path, label: str, batches: int
) -> None:
    source, arguments = f"{digits_npz}:images", {"recipe": short_recipe(), "known_labels": "known"}
    with pytest.raises(KeyboardInterrupt):
        fit(source, tmp_path / "b", progress=StopAfter(label, batches), **arguments)
    fit(source, tmp_path / "b", resume=True, **arguments)
    assert whole(tmp_path / "b") == whole(learned_run)


@pytest.mark.slow
@pytest.mark.parametrize("moves", [0, 3, 6, 9])
def test_a_kill_while_adopting_resumes_to_the_same_bytes(
    learned_run: Path, digits_npz: Path, tmp_path: Path, moves: int
) -> None:
    source, arguments = f"{digits_npz}:images", {"recipe": short_recipe(), "known_labels": "known"}
    with DieAdopting(moves).armed():
        fit(source, tmp_path / "b", **arguments)
    fit(source, tmp_path / "b", resume=True, **arguments)
    assert whole(tmp_path / "b") == whole(learned_run)


def test_deleted_clusters_are_written_again(
    learned_run: Path, digits_npz: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(learned_run, run)
    shutil.rmtree(run / "clusters" / "tree-10" / "assignments")
    arguments = {"recipe": short_recipe(), "known_labels": "known"}
    fit(f"{digits_npz}:images", run, resume=True, **arguments)
    assert whole(run) == whole(learned_run)


def test_where_learning_does_not_help_the_start_stays(digits_npz: Path, tmp_path: Path) -> None:
    nothing = {
        "rounds.count": 1,
        "rounds.images": 1,
        "rounds.growth": 0.0,
        "rounds.learning_rate": 1e-9,
    }
    found = fit(f"{digits_npz}:images", tmp_path / "run", recipe=short_recipe(**nothing))
    run = Run.open(tmp_path / "run")
    assert not run.info["rounds"]["kept"]
    assert found["chosen"] == "instant"
    assert run.clusters_name == "instant-10"
    assert run.array("codes").shape == (599, 50)
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "so the instant tree was kept" in page.replace("&#39;", "'")


def test_validation_pictures_are_predicted_and_not_learned(
    digits_npz: Path, tmp_path: Path
) -> None:
    fit(
        f"{digits_npz}:images",
        tmp_path / "run",
        validation=f"{digits_npz}:fresh",
        recipe=short_recipe(**{"rounds.count": 1}),
    )
    run = Run.open(tmp_path / "run")
    assert len(run.arrays("tree.npz")["rows"]) == 599
    assert len(run.labels()) == 659
    assert np.isin(run.labels(), np.arange(10)).all()
