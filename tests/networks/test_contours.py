"""Contours and tones: by the definition, and what they don't mind."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from pictree.errors import InputError
from pictree.neighbors import nearest
from pictree.networks import contours
from pictree.networks.autoencoder import Architecture, build
from pictree.networks.contours import Contours
from pictree.networks.summary import layer_table


def plain(image: np.ndarray) -> np.ndarray:
    """Return one picture's numbers, float (h, w, c), by the definition, pixel by pixel."""
    height, width, channels = image.shape
    edge = np.pad(image.astype(np.float64), ((1, 1), (1, 1), (0, 0)), mode="edge")
    strength = np.zeros((8, height, width))
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                right = edge[y + 1, x + 2, c] - edge[y + 1, x, c]
                down = edge[y + 2, x + 1, c] - edge[y, x + 1, c]
                for turn in range(8):
                    beside = math.atan2(down, right) - turn * math.pi / 4
                    length = math.hypot(right, down)
                    strength[turn, y, x] += length * max(0.0, math.cos(beside)) ** 8
    cells = [max(1, round(8 * side / max(height, width))) for side in (height, width)]
    rows, columns = weights(height, cells[0]), weights(width, cells[1])
    found = np.stack([rows @ each @ columns.T for each in strength]).ravel()
    found = np.sqrt(found / np.sqrt(np.square(found).sum() + len(found) / 255**2))
    tones = [weights(height, 4) @ image[..., c] @ weights(width, 4).T for c in range(channels)]
    return np.concatenate([found, np.stack(tones).ravel()])


def weights(side: int, cells: int) -> np.ndarray:
    cells = min(cells, side)
    found = np.zeros((cells, side))
    for cell in range(cells):
        middle, deviation = (cell + 0.5) * side / cells - 0.5, side / cells / 2
        for i in range(side):
            found[cell, i] = math.exp(-0.5 * ((i - middle) / deviation) ** 2)
    return found / found.sum(axis=1, keepdims=True)


def seen(images: np.ndarray) -> np.ndarray:
    """Return what pictures, float (n, h, w, c), give."""
    batch = torch.from_numpy(images.astype(np.float32)).permute(0, 3, 1, 2)
    return Contours(images.shape[1:])(batch).numpy()


@pytest.mark.parametrize("shape", [(8, 8, 1), (28, 28, 1), (32, 20, 3), (3, 30, 3), (1, 1, 1)])
def test_pictures_give_what_the_definition_says(shape: tuple[int, int, int]) -> None:
    images = np.random.default_rng(0).random((3, *shape))
    assert np.allclose(seen(images), [plain(image) for image in images], atol=1e-5)


def test_a_large_picture_is_looked_at_as_its_half() -> None:
    half = np.random.default_rng(0).random((2, 32, 24, 3))
    assert np.allclose(seen(half.repeat(2, axis=1).repeat(2, axis=2)), seen(half), atol=1e-5)


def test_each_direction_has_its_place() -> None:
    upright, level = np.zeros((16, 16, 1)), np.zeros((16, 16, 1))
    upright[:, 8:], level[8:] = 1, 1
    found = seen(np.stack([upright, level, 1 - upright, 1 - level]))[:, :512].reshape(4, 8, 64)
    assert found.max(axis=2).argmax(axis=1).tolist() == [0, 2, 4, 6]


def test_brightness_changes_tones_alone_and_a_grey_picture_has_no_contours() -> None:
    dark = np.random.default_rng(0).random((1, 28, 28, 1)) / 2
    one, other = seen(dark), seen(dark + 0.3)
    assert np.allclose(one[:, :512], other[:, :512], atol=1e-4)
    assert np.allclose(one[:, 512:] + 0.3, other[:, 512:], atol=1e-5)
    assert (seen(np.full((1, 28, 28, 1), 0.5))[:, :512] == 0).all()


def test_contrast_hardly_matters_but_noise_below_a_grey_level_does_not_become_contours() -> None:
    picture = np.random.default_rng(0).random((1, 28, 28, 1))
    strong, weak, faint = (seen(picture * share)[:, :512] for share in (1.0, 0.5, 0.001))
    assert np.allclose(strong, weak, atol=0.01)
    assert faint.max() < 0.5 * strong.max()


def test_digits_of_one_kind_are_nearer_by_contours_than_by_pixels(digits: tuple) -> None:
    images, known = digits[0][:1000, ..., None] / 255, digits[1][:1000]

    def purity(rows: np.ndarray) -> float:
        near = nearest(np.ascontiguousarray(rows, np.float32), 5)[0]
        return float((known[near] == known[:, None]).mean())

    assert purity(images.reshape(1000, -1)) < 0.85 < 0.9 < purity(seen(images)[:, :512])


def test_contours_are_for_networks_without_convolutions() -> None:
    with pytest.raises(InputError) as raised:
        Architecture((28, 28, 1), (4,), (4,), 5, "linear", contours=True)
    assert str(raised.value) == (
        "contours are for a network without convolutions; got encoder [4]. "
        "Pass encoder=() and decoder=(), or contours=False."
    )


def test_the_layer_table_has_them() -> None:
    model = build(Architecture((28, 28, 1), (), (), 5, "linear", contours=True), seed=0)
    rows = [(row.name, row.output_shape, row.parameters) for row in layer_table(model)]
    assert rows == [
        ("contours", (528,), 0),
        ("code", (5,), 528 * 5 + 5),
        ("dense", (784,), 5 * 784 + 784),
    ]
    assert contours.CELLS**2 * contours.DIRECTIONS + contours.TONES**2 == 528
