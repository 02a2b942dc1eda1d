"""The estimators keep scikit-learn's contract: its own checks, pipelines and grid searches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pictree import ConvAutoencoder, ImageClusterer, TreeClusterer

CHECKED = [
    ConvAutoencoder(epochs=2, random_state=0),
    ConvAutoencoder("flat-2", epochs=1, random_state=0),
    ImageClusterer(3, recipe="large-1568", epochs=2, random_state=0),
    ImageClusterer(3, recipe=Path(__file__).with_name("short-tree.toml"), random_state=0),
    ImageClusterer(3, recipe="small-98", epochs=1, random_state=0),
    TreeClusterer(3, random_state=0),
    TreeClusterer(),
]


@parametrize_with_checks(CHECKED)
def test_scikit_learn_contract(estimator: BaseEstimator, check: Callable) -> None:
    check(estimator)


def test_pipeline_of_scaler_autoencoder_and_classifier(quick: Path) -> None:
    X, y = load_digits(return_X_y=True)
    codes = ConvAutoencoder(quick, image_shape=(8, 8), code_size=32, epochs=1, random_state=0)
    forest = RandomForestClassifier(20, random_state=0)
    pipeline = make_pipeline(StandardScaler(), codes, forest).fit(X[:1200], y[:1200])
    assert pipeline.score(X[1200:], y[1200:]) > 0.7
    assert list(pipeline[:-1].get_feature_names_out()[:2]) == [
        "convautoencoder0",
        "convautoencoder1",
    ]


def test_grid_search_prefers_more_epochs(quick: Path) -> None:
    X = load_digits().images[:400]
    model = ConvAutoencoder(quick, random_state=0)
    search = GridSearchCV(model, {"epochs": np.array([1, 4])}, cv=2).fit(X)
    assert search.best_params_ == {"epochs": 4}
    assert search.best_score_ < 0


def test_set_output_names_the_columns() -> None:
    X = load_digits().data[:50]
    model = ImageClusterer(2, recipe="flat-2", image_shape=(8, 8), epochs=1, random_state=0)
    frame = model.set_output(transform="polars").fit(X).transform(X)
    assert frame.columns == ["imageclusterer0", "imageclusterer1"]
    assert frame.shape == (50, 2)
    assert (model.predict(X) == model.labels_).all()


@pytest.mark.parametrize("state", [7, np.random.RandomState(7)], ids=["int", "generator"])
def test_one_seed_gives_the_same_bytes(state: int | np.random.RandomState) -> None:
    X = load_digits().images[:300]
    first = clone(ConvAutoencoder(epochs=1, random_state=state)).fit(X).transform(X)
    second = clone(ConvAutoencoder(epochs=1, random_state=state)).fit(X).transform(X)
    assert first.tobytes() == second.tobytes()


def test_another_seed_gives_other_codes() -> None:
    X = load_digits().images[:100]
    codes = [ConvAutoencoder(epochs=1, random_state=s).fit(X).transform(X) for s in (0, 1)]
    assert not np.allclose(codes[0], codes[1])
