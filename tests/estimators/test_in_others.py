"""Our estimators inside scikit-learn's own tools, on real digits."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from pictree import ConvAutoencoder, ImageClusterer, TreeClusterer

X, Y = load_digits(return_X_y=True)


def small(**changes: object) -> ConvAutoencoder:
    given = {"image_shape": (8, 8), "code_size": 16, "epochs": 1, "random_state": 0}
    return ConvAutoencoder("large-1568", **{**given, **changes})


def test_tree_clusterer_ends_a_pipeline() -> None:
    pipeline = make_pipeline(PCA(20, random_state=0), TreeClusterer(10, random_state=0))
    labels = pipeline.fit_predict(X)
    assert adjusted_rand_score(Y, labels) > 0.8
    assert (pipeline.predict(X[:50]) == labels[:50]).all()


def test_codes_in_the_middle_of_a_pipeline_feed_a_tree() -> None:
    steps = [("scale", StandardScaler()), ("codes", small()), ("tree", TreeClusterer(5))]
    pipeline = clone(Pipeline(steps)).set_params(codes__code_size=8, tree__random_state=1)
    labels = pipeline.fit(X[:600]).named_steps["tree"].labels_
    assert labels.max() == 4
    assert pipeline[:-1].get_feature_names_out().tolist() == [
        f"convautoencoder{i}" for i in range(8)
    ]


def test_grid_search_over_a_pipeline_with_a_classifier() -> None:
    pipeline = make_pipeline(small(), LogisticRegression(max_iter=500))
    grid = {"convautoencoder__code_size": [2, 32]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X[:500], Y[:500])
    assert search.best_params_ == {"convautoencoder__code_size": 32}
    assert search.best_score_ > 0.6


def test_grid_search_chooses_the_number_of_clusters_by_known_labels() -> None:
    search = GridSearchCV(
        TreeClusterer(random_state=0), {"n_clusters": [3, 10]}, cv=2, scoring="adjusted_rand_score"
    ).fit(X[:800], Y[:800])
    assert search.best_params_ == {"n_clusters": 10}


@pytest.mark.slow
def test_grid_search_over_image_clusterers() -> None:
    clusterer = ImageClusterer(recipe="quick", image_shape=(8, 8), random_state=0)
    search = GridSearchCV(clusterer, {"n_clusters": [3, 10]}, cv=2, scoring="adjusted_rand_score")
    assert search.fit(X[:800], Y[:800]).best_params_ == {"n_clusters": 10}


def test_a_pipeline_with_memory_learns_once(tmp_path: Path) -> None:
    pipeline = Pipeline(
        [("codes", small()), ("model", LogisticRegression(max_iter=500))], memory=str(tmp_path)
    )
    first = pipeline.fit(X[:300], Y[:300]).predict_proba(X[300:350])
    again = clone(pipeline).fit(X[:300], Y[:300]).predict_proba(X[300:350])
    assert (first == again).all()
    assert list(tmp_path.rglob("output.pkl"))


@pytest.mark.slow
def test_cross_val_predict_in_parallel_processes() -> None:
    pipeline = make_pipeline(small(), LogisticRegression(max_iter=500))
    alone, together = (
        cross_val_predict(pipeline, X[:400], Y[:400], cv=2, n_jobs=n) for n in (1, 2)
    )
    assert (alone == together).all()
    assert (alone == Y[:400]).mean() > 0.5


@pytest.mark.parametrize("container", ["polars", "default"])
def test_set_output_through_unions_and_columns(container: str) -> None:
    frame = pl.DataFrame(X[:200], schema=[f"pixel{i}" for i in range(64)])
    both = FeatureUnion([("codes", small()), ("axes", PCA(2))])
    columns = ColumnTransformer([("image", both, frame.columns)])
    out = columns.set_output(transform=container).fit_transform(frame)
    names = [f"image__codes__convautoencoder{i}" for i in range(16)]
    names += ["image__axes__pca0", "image__axes__pca1"]
    assert columns.get_feature_names_out().tolist() == names
    if container == "polars":
        assert out.columns == names
    assert out.shape == (200, 18)


def test_names_of_columns_are_remembered_and_checked() -> None:
    frame = pl.DataFrame(X[:100], schema=[f"pixel{i}" for i in range(64)])
    model = small().fit(frame)
    assert model.feature_names_in_[0] == "pixel0"
    assert model.get_feature_names_out(frame.columns).tolist() == [
        f"convautoencoder{i}" for i in range(16)
    ]
    with pytest.raises(ValueError, match="feature names should match"):
        model.transform(frame.rename({"pixel0": "other"}))
    with pytest.raises(NotFittedError):
        clone(model).get_feature_names_out()


@pytest.mark.parametrize(
    "model",
    [small(), ImageClusterer(3, recipe="quick", image_shape=(8, 8)), TreeClusterer(3)],
    ids=lambda m: type(m).__name__,
)
def test_a_fitted_copy_by_pickle_predicts_the_same(model: object) -> None:
    fitted = model.set_params(random_state=0).fit(X[:300])
    copy = pickle.loads(pickle.dumps(fitted))  # noqa: S301 - our own bytes: joblib does the same
    act = "predict" if hasattr(fitted, "predict") else "transform"
    assert (getattr(copy, act)(X[:300]) == getattr(fitted, act)(X[:300])).all()
    assert not hasattr(clone(fitted), "labels_")
    assert clone(fitted).get_params() == fitted.get_params()


def test_predictions_do_not_change_what_was_fitted() -> None:
    model = TreeClusterer(4, random_state=0).fit(X[:300])
    before = model.labels_.copy()
    model.predict(np.asfortranarray(X[300:400]))
    assert (model.labels_ == before).all()
