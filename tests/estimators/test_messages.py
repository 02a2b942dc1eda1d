"""Whole messages: what must hold, what was got, what to do."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.exceptions import NotFittedError
from torch import from_numpy
from torch.utils.data import TensorDataset

from pictree import ConvAutoencoder, ImageClusterer, InputError, RecipeError, SourceError

X = np.random.default_rng(0).random((12, 4, 6))
MESSAGES = [
    (
        ConvAutoencoder(image_shape=(5, 5)),
        X.reshape(12, 24),
        "image_shape must have as many numbers as a row of X; got (5, 5, 1), 25 numbers, for rows "
        "of 24. Pass the height, width and channels of your images.",
    ),
    (
        ConvAutoencoder(image_shape=(6, 4)),
        X,
        "image_shape must be the shape of the images; got (6, 4, 1) for images of shape (4, 6). "
        "Leave image_shape out.",
    ),
    (
        ConvAutoencoder(image_shape=(24,)),
        X.reshape(12, 24),
        "image_shape must be (height, width) or (height, width, channels); got (24,). "
        "Pass for example (28, 28).",
    ),
    (
        ConvAutoencoder(),
        X[:, :3, :, None].repeat(7, axis=3),
        "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
        "(12, 3, 6, 7) in X. Move the channels last, with images.transpose(0, 2, 3, 1).",
    ),
    (
        ImageClusterer(),
        X[None, ..., None],
        "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
        "(1, 12, 4, 6, 1) in X. Reshape the array.",
    ),
    (
        ImageClusterer(),
        TensorDataset(from_numpy(X)),
        "X must be an array, or name pictures; got TensorDataset. Pass an array; of a data set, "
        "such as np.stack([image for image, _ in data]).",
    ),
    (
        ConvAutoencoder(),
        [X[0], X[1, :3]],
        "the images of a list must be equally large; got (4, 6) at 0 and (3, 6) at 1. Resize "
        "them, or save them as files, which may differ in size.",
    ),
    (
        ImageClusterer(13),
        X,
        "n_clusters must be at most the number of images; got n_clusters=13 with n_samples=12. "
        "Pass fewer clusters or more images.",
    ),
    (
        ImageClusterer(),
        X[:1],
        "clustering needs at least 2 different images; got n_samples=1. Pass more images.",
    ),
    (
        ImageClusterer(),
        np.full((9, 5, 5), 7.0),
        "clustering needs at least 2 different images; got n_samples=9, all equal. Pass more "
        "images.",
    ),
    (
        ImageClusterer(2.5),
        X,
        "k must be auto, a number such as 10, or a range such as 5:40 that starts at 2 or more; "
        "got 2.5. Pass one of these.",
    ),
    (
        ImageClusterer(3, image_shape=(4, 6, 4)),
        "pictures",
        "pictures from files have 1 or 3 channels; got a model or image_shape with 4. Pass "
        "arrays instead, or fit again on pictures of 1 or 3 channels.",
    ),
]


@pytest.mark.parametrize(("estimator", "images", "message"), MESSAGES)
def test_fit_says_what_is_wrong(
    estimator: ConvAutoencoder | ImageClusterer,
    images: object,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pictures").mkdir()
    Image.new("L", (6, 4)).save(tmp_path / "pictures" / "a.png")
    with pytest.raises(InputError) as caught:
        estimator.fit(images)
    assert str(caught.value) == message


def test_images_of_another_shape_are_refused() -> None:
    model = ConvAutoencoder("small-98", epochs=1).fit(X)
    with pytest.raises(InputError) as caught:
        model.transform(X.transpose(0, 2, 1))
    assert str(caught.value) == (
        "images must have the shape seen in fit; got (6, 4) instead of (4, 6, 1). Resize them, "
        "or fit again."
    )


def test_codes_of_another_size_are_refused() -> None:
    model = ConvAutoencoder("small-98", epochs=1).fit(X)
    with pytest.raises(InputError) as caught:
        model.inverse_transform(np.zeros((2, 5)))
    assert str(caught.value) == (
        "codes must have shape (n, 4); got shape (2, 5). Pass codes of this model."
    )


def test_unusable_files_are_named(tmp_path: Path) -> None:
    Image.new("L", (6, 4)).save(tmp_path / "a.png")
    for name in "bcde":
        (tmp_path / f"{name}.jpg").write_text(f"no picture {name}")
    with pytest.warns(UserWarning, match="pictures can't be used") as caught:
        ConvAutoencoder("small-98", epochs=1).fit(tmp_path)
    reason = "not an image, no known format"
    assert [str(warning.message) for warning in caught] == [
        f"4 of 5 pictures can't be used: b.jpg: {reason}; c.jpg: {reason}; d.jpg: {reason}; "
        "and others. fit leaves them out; predict gives them -1, transform NaN."
    ]


@pytest.mark.filterwarnings("ignore:1 of 1 pictures")
def test_no_usable_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    with pytest.raises(SourceError) as caught:
        ConvAutoencoder("small-98", image_shape=(4, 4), epochs=1).fit([tmp_path / "a.jpg"])
    assert str(caught.value) == (
        "at least one image must be usable; got 1 in 'a.jpg': 1 not an image: no known format. Run "
        "pictree scan on it to see each file's reason."
    )


@pytest.mark.filterwarnings("ignore:1 of 1 pictures")
def test_predicting_files_that_are_all_unusable_gives_no_cluster(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("no picture")
    model = ImageClusterer(2, recipe="small-98", epochs=1).fit(X)
    assert model.predict([tmp_path / "a.jpg"]).tolist() == [-1]
    assert np.isnan(model.transform([tmp_path / "a.jpg"])).all()


@pytest.mark.parametrize("epochs", [0, 1.5, "many"])
def test_epochs_are_checked(epochs: object) -> None:
    with pytest.raises(RecipeError) as caught:
        ConvAutoencoder(epochs=epochs).fit(X)
    assert str(caught.value) == (
        f"training.epochs must be a whole number of at least 1 and at most 100,000; got "
        f"{epochs!r}. Change it."
    )


@pytest.mark.parametrize(
    "call",
    [
        lambda: ConvAutoencoder().save("nowhere"),
        lambda: ConvAutoencoder().inverse_transform(X),
        lambda: ConvAutoencoder().reconstruction_error(X),
        lambda: ImageClusterer().inverse_transform(X),
        lambda: ImageClusterer().save("nowhere"),
    ],
)
def test_not_fitted(call: object) -> None:
    with pytest.raises(NotFittedError):
        call()
