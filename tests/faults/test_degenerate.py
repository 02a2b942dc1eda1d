"""Arrays that nobody should have: a documented result or one sentence, and no NaN in a result."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pictree import ImageClusterer, TreeClusterer
from pictree.errors import UserError
from pictree.images.format import choose_format
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source

KINDS = ["u1", "i1", "u2", "i4", "u8", "f2", "f4", "f8", "?"]
SPECIAL = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-320, 3e38, 1e308, -1e308, 1.0]


def settled(n: int) -> settings:
    return settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def arrays(draw: Any, shape: Any) -> np.ndarray:
    """Few or no rows: constant, all the same, random, or with what is no number in them."""
    sizes, kind = draw(shape), draw(st.sampled_from(KINDS))
    chance = np.random.default_rng(draw(st.integers(0, 99)))
    fill = draw(st.sampled_from(["constant", "same", "random", "blocks", "special"]))
    values = chance.normal(100, 60, sizes)
    if fill == "constant":
        values = np.full(sizes, draw(st.sampled_from([0.0, 1.0, 255.0])))
    if fill == "same" and sizes[0]:
        values = np.repeat(values[:1], sizes[0], axis=0)
    if fill == "blocks" and sizes[0] > 1:
        values[sizes[0] // 2 :] = values[0]
    if fill == "special" and values.size:
        hit = chance.random(sizes) < draw(st.sampled_from([0.02, 0.5, 1.0]))
        values[hit] = chance.choice(SPECIAL, hit.sum())
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return values.astype(kind)


ROWS = st.integers(0, 14)
VECTORS = arrays(st.tuples(ROWS, st.integers(0, 5)))
IMAGES = arrays(
    st.tuples(ROWS, st.integers(0, 6), st.integers(0, 6))
    | st.tuples(ROWS, st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 2, 3, 4]))
)
CLUSTERS = st.integers(-1, 16)


def refused(error: Exception) -> None:
    """Check that an error is one sentence of what must hold, what was got, what to do."""
    assert isinstance(error, (UserError, ValueError)), repr(error)
    assert str(error)
    assert "\n" not in str(error) or not isinstance(error, UserError)


def check_tree(values: np.ndarray, k: int) -> None:
    try:
        labels = TreeClusterer(n_clusters=k, random_state=0).fit(values).labels_
    except ValueError as error:
        refused(error)
        return
    assert np.isfinite(values.astype(float)).all()
    assert labels.shape == (len(values),)
    assert 0 <= labels.min() <= labels.max() < max(k, 1)


def check_images(values: np.ndarray, k: int) -> None:
    model = ImageClusterer(k, recipe="quick", random_state=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(values)
    except ValueError as error:
        refused(error)
        return
    assert np.isfinite(values.astype(float)).all()
    assert model.labels_.shape == (len(values),)
    assert len(np.unique(model.labels_)) == model.n_clusters_ == k
    codes = model.transform(values)
    assert np.isfinite(codes).all()
    assert np.isfinite(model.inverse_transform(codes)).all()
    if len(np.unique(codes.round(5), axis=0)) == len(
        values
    ):  # else they are alike but for rounding
        assert (model.predict(values) == model.labels_).all()


def check_stock(values: np.ndarray, _: int) -> None:
    try:
        source = open_source(values)
        frame, pixels = take_stock(
            source, range(len(source)), choose_format(source), first_id=0, seen={}
        )
    except UserError as error:
        refused(error)
        return
    assert frame.height == len(values)
    assert (frame["outcome"] == "used").sum() == len(pixels)
    good = np.isfinite(values.astype(float)).reshape(len(values), -1).all(1)
    assert ((frame["outcome"] == "unreadable").to_numpy() == ~good).all()
    assert (frame.filter(frame["outcome"] != "used")["reason"] != "").all()


EVERY = {
    "stock": (given(IMAGES, CLUSTERS), check_stock, 300, 2_000),
    "tree": (given(VECTORS, CLUSTERS), check_tree, 60, 2_000),
    "images": (given(IMAGES, CLUSTERS), check_images, 40, 2_000),
}


@pytest.mark.parametrize("name", EVERY)
def test_a_result_or_a_sentence(name: str) -> None:
    draw, check, quick, _ = EVERY[name]
    settled(quick)(draw(check))()


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERY)
def test_two_thousand_are_a_result_or_a_sentence(name: str) -> None:
    draw, check, _, many = EVERY[name]
    settled(many)(draw(check))()


@pytest.mark.slow
def test_a_hundred_thousand_identical_vectors() -> None:
    model = TreeClusterer(n_clusters=1, random_state=0)
    try:
        labels = model.fit(np.ones((100_000, 8), np.float32)).labels_
    except ValueError as error:
        refused(error)
    else:
        assert set(labels.tolist()) == {0}


def test_a_hundred_thousand_identical_images() -> None:
    with pytest.raises(ValueError, match="different"):
        ImageClusterer(2, recipe="quick").fit(np.ones((100_000, 4, 4), np.uint8))
