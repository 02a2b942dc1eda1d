"""The instant tree through the whole chain, and another cut of it afterwards."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.errors import InputError, RunError
from pictree.export.export import export
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit, summary
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run

TEN = change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": 10})


@pytest.fixture(scope="module")
def tree_run(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """The quick recipe on 3,000 digits, ten clusters asked for, with a PCA map."""
    folder = tmp_path_factory.mktemp("runs")
    np.savez(folder / "digits.npz", images=digits[0][:3000], known=digits[1][:3000])
    fit(f"{folder / 'digits.npz'}:images", folder / "tree", recipe=TEN, known_labels="known")
    return folder / "tree"


@pytest.mark.slow
def test_the_tree_finds_ten_thousand_digits(digits_idx: tuple, tmp_path: Path) -> None:
    found = fit(digits_idx[0], tmp_path / "run", recipe=TEN)
    assert found["acc"] > 0.9  # k-means on these pixels reaches about .54
    assert found["leaf_purity"] > found["acc"]


def test_the_tree_finds_the_digits(tree_run: Path) -> None:
    found = summary(Run.open(tree_run))
    assert found["chosen"] == "instant"
    assert found["acc"] > 0.7  # k-means on these pixels reaches about .54
    assert found["leaf_purity"] > found["acc"]
    assert found["leaves"] > 20
    assert 0.7 < found["agreement"] <= 1
    assert found["k_shortlist"][0]["k"] == 10
    assert len(found["k_shortlist"]) > 5


def test_the_verdict_is_the_trees(tree_run: Path) -> None:
    run = Run.open(tree_run)
    alike = f"Agreement {run.metrics['agreement']:.2f}: the tree's runs find"
    said = run.metrics["verdict"][-1]
    assert said in (
        f"{alike} nearly the same clusters each time.",
        f"{alike} partly the same clusters; look at their borders with care.",
    )
    assert said in (tree_run / "report.html").read_text(encoding="utf-8").replace("&#39;", "'")


def test_the_report_draws_the_tree(tree_run: Path) -> None:
    assert '<section id="tree">' in (tree_run / "report.html").read_text(encoding="utf-8")
    assert (tree_run / "pictures" / "tree.png").exists()


def test_a_cut_has_exactly_k_parts_numbered_by_size(tree_run: Path) -> None:
    found = cut(tree_run, 20)
    assert found["k"] == len(found["sizes"]) == 20
    assert sum(found["sizes"]) == 3_000
    assert found["sizes"] == sorted(found["sizes"], reverse=True)
    assert min(found["sizes"]) > 0
    assert np.bincount(Run.open(tree_run).labels("tree-20")).tolist() == found["sizes"]


def test_the_cut_of_the_fit_is_the_fits_clusters(tree_run: Path) -> None:
    run = Run.open(tree_run)
    before = run.labels().copy()
    cut(tree_run, 10)
    assert np.array_equal(run.labels(), before)


def test_a_cut_that_was_made_is_predicted_with_and_exported(
    tree_run: Path, digits: tuple, tmp_path: Path
) -> None:
    cut(tree_run, 20)
    stored = Run.open(tree_run).labels("tree-20")
    found = predict(tree_run, digits[0][:300], output=tmp_path / "p.csv", k=20)
    predicted = pl.read_csv(found["output"])["cluster"].to_list()
    assert predicted == stored[:300].tolist()
    assert max(predicted) > 9  # more than the fit's ten
    export(tree_run, "csv", tmp_path / "e.csv", k=20)
    assert pl.read_csv(tmp_path / "e.csv")["cluster"].to_list() == stored.tolist()


def test_a_cut_that_was_not_made_is_refused(tree_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        predict(tree_run, "anything", output=tmp_path / "p.csv", k=33)
    assert str(caught.value) == (
        f"--k must be a cut that was made; got 33, and {tree_run} has none into 33. "
        f"Run `pictree cut {tree_run} --k 33` first."
    )


def test_predicting_the_fits_images_gives_their_clusters(
    tree_run: Path, digits: tuple, tmp_path: Path
) -> None:
    run = Run.open(tree_run)
    found = predict(tree_run, digits[0][:50], output=tmp_path / "p.csv")
    assert found["unknown"] == 0
    table = pl.read_csv(found["output"])
    assert table["cluster"].to_list() == run.labels()[:50].tolist()


def test_too_many_clusters_is_one_sentence(tree_run: Path) -> None:
    leaves = summary(Run.open(tree_run))["leaves"]
    with pytest.raises(InputError) as caught:
        cut(tree_run, leaves + 1)
    assert str(caught.value) == (
        f"k must be from 1 to {leaves}, the number of leaves; got {leaves + 1}. Pass another k."
    )


def test_only_a_tree_can_be_cut(digits: tuple, tmp_path: Path) -> None:
    plain = change(TEN, **{"maps.methods": [], "clustering.method": "kmeans"})
    fit(digits[0][:60], tmp_path / "run", recipe=plain)
    with pytest.raises(RunError) as caught:
        cut(tmp_path / "run", 5)
    assert str(caught.value) == (
        f"only a tree can be cut; got {tmp_path / 'run'}, whose clusters are kmeans-10. Fit with a "
        "recipe whose clustering is a tree, such as quick."
    )
