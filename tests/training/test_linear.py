"""The linear autoencoder in closed form: scikit-learn's PCA, and the least squared error."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

from pictree.device import choose_device
from pictree.networks import inference, weights
from pictree.networks.autoencoder import Architecture, Autoencoder, build
from pictree.training.linear import fit_linear

DEVICE = choose_device("float32")


def linear(shape: tuple[int, int, int], code: int) -> Autoencoder:
    return build(Architecture(shape, (), (), code, "linear"), seed=0)


def test_codes_and_reconstructions_are_scikit_learns(digits: tuple) -> None:
    pixels = digits[0][:300, ..., None]
    model = linear((28, 28, 1), 20)
    history = fit_linear(model, pixels, DEVICE, seed=0, train_rows=np.arange(300))
    flat = pixels.reshape(300, -1) / 255
    theirs = PCA(20, svd_solver="full").fit(flat)
    ours = inference.encode(model, pixels, DEVICE)
    assert np.allclose(np.abs(ours), np.abs(theirs.transform(flat)), atol=1e-3)
    back = np.clip(theirs.inverse_transform(theirs.transform(flat)), 0, 1)
    decoded = inference.decode(model, ours, DEVICE).reshape(300, -1)
    assert np.allclose(decoded, back, atol=1e-3)
    assert history[0]["loss"] == pytest.approx(np.square(back - flat).mean(), rel=1e-3)


def test_no_other_linear_code_has_less_error(digits: tuple) -> None:
    pixels = digits[0][:300, ..., None]
    best, other = linear((28, 28, 1), 5), linear((28, 28, 1), 5)
    rows = np.arange(300)
    fit_linear(best, pixels, DEVICE, seed=0, train_rows=rows)
    fit_linear(other, pixels, DEVICE, seed=0, train_rows=rows[:10])
    errors = [inference.reconstruction_errors(m, pixels, DEVICE).mean() for m in (best, other)]
    assert errors[0] < errors[1]


def test_wide_images_and_few_of_them(tmp_path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 48, 48, 3), np.uint8)
    model = linear((48, 48, 3), 5)
    validation = (pixels, np.arange(30, 40))
    history = fit_linear(
        model, pixels, DEVICE, seed=0, train_rows=np.arange(30), validation=validation
    )
    assert history[0]["loss"] < history[0]["validation_loss"]
    weights.save(model, tmp_path)
    again = weights.load(tmp_path)
    codes = [inference.encode(m, pixels, DEVICE) for m in (model, again)]
    assert np.array_equal(*codes)


def test_constant_images_have_zero_codes() -> None:
    pixels = np.full((6, 4, 4, 1), 7, np.uint8)
    model = linear((4, 4, 1), 3)
    history = fit_linear(model, pixels, DEVICE, seed=0, train_rows=np.arange(6))
    assert np.allclose(inference.encode(model, pixels, DEVICE), 0, atol=1e-5)
    assert history[0]["loss"] == pytest.approx(0, abs=1e-10)
