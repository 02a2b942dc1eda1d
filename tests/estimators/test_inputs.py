"""Every kind of X is read as the same images, and comes back in its own shape and units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from pictree import ConvAutoencoder, ImageClusterer

Digits = tuple[np.ndarray, np.ndarray]


def fitted(X: object, **parameters: object) -> ConvAutoencoder:
    return ConvAutoencoder("small-98", epochs=1, random_state=0, **parameters).fit(X)


@pytest.fixture
def folder(tmp_path: Path, digits: Digits) -> Path:
    """Thirty digits as PNG, a copy of the third, and a broken file; by name 0, 1, broken, copy."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for i, image in enumerate(digits[0][:30]):
        Image.fromarray(image).save(pictures / f"{i:02d}.png")
    (pictures / "copy.png").write_bytes((pictures / "02.png").read_bytes())
    (pictures / "broken.png").write_bytes((pictures / "00.png").read_bytes()[:60])
    return pictures


def test_flat_rows_images_and_lists_are_the_same_images() -> None:
    X = load_digits().images[:100]
    flat = fitted(X.reshape(100, -1), image_shape=(8, 8))
    codes = flat.transform(X.reshape(100, -1))
    for other in (X, X[..., None], list(X)):
        assert fitted(other).transform(other).tobytes() == codes.tobytes()
        assert flat.transform(other).tobytes() == codes.tobytes()


@pytest.mark.parametrize("shape", [(64,), (8, 8), (8, 8, 1)])
def test_images_come_back_in_the_shape_and_units_of_fit(
    shape: tuple[int, ...], quick: Path
) -> None:
    X = load_digits().images[:800].reshape(800, *shape) * 1000 - 5000
    model = ConvAutoencoder(quick, image_shape=(8, 8), random_state=0).fit(X)
    restored = model.inverse_transform(model.transform(X))
    assert restored.shape == X.shape
    assert restored.dtype == np.float32
    assert restored.min() >= -5000
    assert restored.max() <= 11000
    assert np.abs(restored - X).mean() < np.abs(X.mean(axis=0) - X).mean() / 1.5


def test_colour_images_keep_their_channels() -> None:
    X = np.random.default_rng(0).integers(0, 256, (20, 5, 7, 3), np.uint8)
    model = fitted(X)
    assert model.n_features_in_ == 105
    assert model.inverse_transform(model.transform(X)).shape == (20, 5, 7, 3)


def test_rows_without_a_shape_are_images_of_one_row() -> None:
    X = np.random.default_rng(0).normal(size=(40, 13))
    model = fitted(X)
    assert model.input_format_.image_shape == (1, 13, 1)
    assert model.inverse_transform(model.transform(X)).shape == (40, 13)


def test_floats_are_not_rounded_to_bytes() -> None:
    X = load_digits().images[:50] / 16
    model = fitted(X)
    nudged = np.where(X < 0.5, X + 1e-4, X)
    assert (model.transform(nudged) != model.transform(X)).any()


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [("uint8", 0, 255), ("uint16", 0, 65535), ("bool", 0, 1), ("int64", 0, 255), ("float64", 0, 9)],
)
def test_each_type_has_its_range(dtype: str, low: float, high: float) -> None:
    X = (np.arange(160).reshape(10, 4, 4) % 10).astype(dtype)
    found = fitted(X).input_format_
    assert (found.low, found.high) == (low, high)


def test_bytes_and_the_same_numbers_as_floats_have_the_same_codes(digits: Digits) -> None:
    X = digits[0][:20]
    model = fitted(X)
    np.testing.assert_allclose(model.transform(X / 1.0), model.transform(X), atol=1e-5)


def test_constant_images_are_restored_exactly() -> None:
    X = np.full((10, 6, 6), 3.5)
    model = fitted(X)
    assert (model.inverse_transform(model.transform(X)) == 3.5).all()


@pytest.mark.filterwarnings("ignore::RuntimeWarning:sklearn")  # from its sum of all values
@pytest.mark.filterwarnings("ignore::RuntimeWarning:numpy")
def test_huge_floats_do_not_overflow() -> None:
    X = np.array([-1.7e308, 0, 1.7e308, 1.7e308] * 4).reshape(4, 2, 2)
    assert fitted(X).transform(X).max() < 10


@pytest.mark.filterwarnings("ignore:1 of 32 pictures")
def test_fit_on_a_folder_leaves_out_what_cannot_be_used(folder: Path) -> None:
    model = ImageClusterer(3, recipe="small-98", epochs=1, random_state=0).fit(folder)
    names = [f"{i:02d}.png" for i in range(30)]
    assert model.paths_ == names
    assert model.labels_.shape == (30,)
    assert model.outcomes_["path"].to_list() == [*names, "broken.png", "copy.png"]
    assert model.outcomes_["outcome"].to_list() == ["used"] * 30 + ["unreadable", "duplicate"]
    assert model.n_features_in_ == 784

    predicted = model.predict(str(folder))
    assert predicted[:30].tolist() == model.labels_.tolist()
    assert predicted[30:].tolist() == [-1, model.labels_[2]]
    codes = model.transform(folder)
    assert np.isnan(codes[30]).all()
    assert (codes[31] == codes[2]).all()
    assert np.isnan(model.autoencoder_.reconstruction_error(folder)).nonzero()[0].tolist() == [30]
    assert model.autoencoder_.score(folder) < 0


def test_files_and_their_arrays_give_the_same(folder: Path, digits: Digits) -> None:
    paths = sorted(folder.glob("[0-9]*.png"))
    of_files, of_array = fitted(paths), fitted(digits[0][:30])
    assert of_files.transform(paths).tobytes() == of_array.transform(digits[0][:30]).tobytes()
    assert of_files.transform(digits[0][:30]).tobytes() == of_array.transform(paths).tobytes()
    assert of_files.inverse_transform(of_files.transform(paths)).shape == (30, 28, 28)


def test_image_shape_sets_the_size_and_channels_of_files(folder: Path) -> None:
    paths = sorted(folder.glob("[0-9]*.png"))
    assert fitted(paths, image_shape=(14, 10, 3)).input_format_.image_shape == (14, 10, 3)


def test_a_recipe_sets_the_size_of_files(folder: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text('[images]\nsize = [9, 11]\nchannels = "colour"\n[training]\nepochs = 1\n')
    model = ConvAutoencoder(recipe, random_state=0).fit(sorted(folder.glob("[0-9]*.png")))
    assert model.input_format_.image_shape == (9, 11, 3)


def test_a_file_of_floats_keeps_its_units(tmp_path: Path) -> None:
    X = load_digits().images[:60].astype(np.float32)
    np.save(tmp_path / "all.npy", X)
    np.save(tmp_path / "dark.npy", X[:10] / 4)
    model = fitted(tmp_path / "all.npy")
    assert (model.input_format_.low, model.input_format_.high) == (0, 16)
    np.testing.assert_allclose(model.transform(tmp_path / "all.npy"), model.transform(X), atol=0.02)
    dark = model.transform(tmp_path / "dark.npy")
    np.testing.assert_allclose(dark, model.transform(X[:10] / 4), atol=0.02)


def test_fitting_again_on_files_forgets_the_columns(folder: Path) -> None:
    import polars as pl

    model = fitted(pl.DataFrame({"a": [0.0, 1.0], "b": [1.0, 0.0]}))
    assert model.feature_names_in_.tolist() == ["a", "b"]
    model.fit(sorted(folder.glob("[0-9]*.png")))
    assert not hasattr(model, "feature_names_in_")
