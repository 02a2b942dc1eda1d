"""`TreeClusterer`: anybody's vectors, without a network."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pictree import InputError, RunError, TreeClusterer
from pictree.clustering.instant import instant_tree

X, KNOWN = load_digits(return_X_y=True)


@pytest.fixture(scope="module")
def model() -> TreeClusterer:
    return TreeClusterer(10, random_state=0).fit(X)


def test_it_is_the_instant_tree(model: TreeClusterer) -> None:
    found = instant_tree(X, k=10)
    np.testing.assert_array_equal(model.labels_, found.clusters)
    np.testing.assert_array_equal(model.confidence_, found.confidence)
    assert model.agreement_ == found.agreement
    plain = KMeans(10, n_init=3, random_state=0).fit_predict(X)
    ours, theirs = (adjusted_rand_score(KNOWN, labels) for labels in (model.labels_, plain))
    assert ours > theirs + 0.15


def test_attributes(model: TreeClusterer) -> None:
    assert model.labels_.dtype == np.int32
    assert (model.n_clusters_, model.n_features_in_) == (10, 64)
    assert (model.shortlist_[0].k, model.shortlist_[0].reason) == (10, "asked for")
    np.testing.assert_array_equal(model.cut(10), model.labels_)
    for k in (1, 2, 20, model.tree_.n_leaves):
        assert len(np.unique(model.cut(k))) == k


def test_n_leaves_say_how_fine_the_tree_is(model: TreeClusterer) -> None:
    fine = TreeClusterer(10, n_leaves=200, random_state=0).fit(X)
    assert fine.tree_.n_leaves == 200
    np.testing.assert_array_equal(fine.labels_, model.labels_)
    assert len(np.unique(fine.cut(200))) == 200


def test_a_row_gets_the_cluster_of_the_nearest_row(model: TreeClusterer) -> None:
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    rows = np.random.default_rng(0).normal(X[:100], 2)
    nearest = ((rows[:, None] - X[None]) ** 2).sum(2).argmin(1)
    np.testing.assert_array_equal(model.predict(rows), model.labels_[nearest])


def test_in_a_pipeline_after_a_scaler() -> None:
    pipeline = make_pipeline(StandardScaler(), TreeClusterer("8:12", random_state=0))
    labels = pipeline.fit_predict(X)
    np.testing.assert_array_equal(pipeline.predict(X), labels)
    assert pipeline[-1].n_clusters_ == pipeline[-1].shortlist_[0].k
    assert adjusted_rand_score(KNOWN, labels) > 0.7


@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_one_seed_gives_the_same(seed: int) -> None:
    first, second = (clone(TreeClusterer(random_state=seed)).fit(X[:400]) for _ in range(2))
    assert first.labels_.tobytes() == second.labels_.tobytes()
    assert first.shortlist_ == second.shortlist_


def test_a_loaded_one_gives_the_same(tmp_path: Path) -> None:
    frame = pl.DataFrame(X[:300], schema=[f"number {i}" for i in range(64)])
    model = TreeClusterer("2:9", n_leaves=np.int64(40), random_state=1).fit(frame)
    model.save(tmp_path)
    loaded = TreeClusterer.load(tmp_path)
    assert loaded.get_params() == model.get_params()
    for name in ("labels_", "confidence_"):
        assert getattr(loaded, name).tobytes() == getattr(model, name).tobytes()
    for name in ("n_clusters_", "agreement_", "shortlist_", "n_features_in_"):
        assert getattr(loaded, name) == getattr(model, name)
    assert loaded.feature_names_in_.tolist() == frame.columns
    assert loaded.predict(frame).tobytes() == model.predict(frame).tobytes()
    assert loaded.cut(40).tobytes() == model.cut(40).tobytes()
    assert {file.suffix for file in tmp_path.iterdir()} == {".json", ".npz"}


def test_a_damaged_file_is_named(model: TreeClusterer, tmp_path: Path) -> None:
    model.save(tmp_path)
    file = tmp_path / "tree.npz"
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(RunError) as caught:
        TreeClusterer.load(tmp_path)
    assert str(caught.value) == (
        f"{file} must be as it was saved; got BadZipFile: File is not a zip file. Restore the "
        "folder from a copy, or fit and save again."
    )


@pytest.mark.parametrize(
    ("estimator", "rows", "message"),
    [
        (
            TreeClusterer(),
            np.full((9, 5), 7.0),
            "clustering needs at least 2 different rows; got n_samples=9, all equal. Pass other "
            "rows.",
        ),
        (
            TreeClusterer("many"),
            X,
            "k must be auto, a number such as 10, or a range such as 5:40 that starts at 2 or "
            "more; got 'many'. Pass one of these.",
        ),
        (
            TreeClusterer(10, n_leaves=9),
            X,
            "n_leaves must be a whole number from 10 to 500; got 9. Pass another number, or leave "
            "it out.",
        ),
    ],
)
def test_fit_says_what_is_wrong(estimator: TreeClusterer, rows: np.ndarray, message: str) -> None:
    with pytest.raises(InputError) as caught:
        estimator.fit(rows)
    assert str(caught.value) == message


def test_too_fine_a_cut_and_not_fitted(model: TreeClusterer, tmp_path: Path) -> None:
    leaves = model.tree_.n_leaves
    with pytest.raises(InputError) as caught:
        model.cut(leaves + 1)
    assert str(caught.value) == (
        f"k must be from 1 to {leaves}, the number of leaves; got {leaves + 1}. Pass another k."
    )
    for call in (lambda m: m.cut(3), lambda m: m.predict(X), lambda m: m.save(tmp_path)):
        with pytest.raises(NotFittedError):
            call(TreeClusterer())


def test_it_needs_no_torch() -> None:
    code = "import sys; from pictree import TreeClusterer; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
