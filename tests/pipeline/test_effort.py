"""Decisions per picture through the whole chain: in metrics.json, in the text, on the page."""

from __future__ import annotations

from pathlib import Path

import pytest

from pictree.pipeline.fit import fit, summary
from pictree.pipeline.text import fit_text
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.pipeline.test_fit import bytes_of


def tree_run(digits_npz: Path, out: Path, **arguments: str) -> Run:
    recipe = change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": 10})
    fit(f"{digits_npz}:images", out, recipe=recipe, **arguments)
    return Run.open(out)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory, digits_npz: Path) -> Run:
    """A tree of 599 digits, with known labels."""
    return tree_run(digits_npz, tmp_path_factory.mktemp("effort") / "seen", known_labels="known")


def test_the_figures_are_in_metrics_and_summary(seen: Run) -> None:
    effort = seen.metrics["effort"]
    assert summary(seen)["effort"] == effort
    assert (effort["images"], effort["k"]) == (599, seen.info["k"])
    assert effort["leaves"] == seen.metrics["leaves"]
    assert effort["best"] == pytest.approx(seen.metrics["leaf_purity"])
    assert [row["target"] for row in effort["targets"]] == [0.9, 0.95, 0.98]
    # Ten names, one for each cluster of the run, are its purity: the duplicate apart.
    budget = effort["budget"]["going_down"]
    assert budget["accuracy"] >= seen.metrics["scores"]["purity"] - 1 / 599


def test_the_text_says_it_in_one_line(seen: Run) -> None:
    found = summary(seen)
    work, next_target = (found["effort"]["targets"][i]["going_down"] for i in (0, 1))
    assert work["accuracy"] >= 0.9
    assert next_target is None  # 599 are too few for 95 %
    assert (
        f"{work['decisions']} decisions label the pile at {100 * work['accuracy']:.1f} % "
        f"(the same number of labels on random pictures: {100 * work['random']:.1f} %)"
    ) in fit_text(found).splitlines()


def test_known_labels_change_no_other_byte(seen: Run, digits_npz: Path, tmp_path: Path) -> None:
    blind = tree_run(digits_npz, tmp_path / "blind")
    before, after = bytes_of(seen.path), bytes_of(blind.path)
    del before["images/00000.parquet"], after["images/00000.parquet"]  # has the column itself
    assert before == after
    assert (seen.path / "tree.npz").read_bytes() == (blind.path / "tree.npz").read_bytes()
    assert blind.metrics["effort"] is None
    assert "effort" not in summary(blind)
    assert "decisions" not in fit_text(summary(blind))
    assert 'id="effort"' not in (blind.path / "report.html").read_text(encoding="utf-8")
    same = ("silhouette", "agreement", "k", "k_shortlist", "leaves", "reconstruction_error")
    assert all(seen.metrics[key] == blind.metrics[key] for key in same)


def test_without_a_tree_there_is_none(small_run: Path) -> None:
    found = summary(Run.open(small_run))
    assert found["effort"] is None
    assert "decisions" not in fit_text(found)
