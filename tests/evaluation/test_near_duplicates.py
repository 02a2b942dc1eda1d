"""Copies put among real digits are found; what only looks alike by its nature is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from pictree.evaluation.alike import difference, spectra, thumbnails
from pictree.evaluation.near_duplicates import groups_of, near_duplicates
from pictree.evaluation.robust import deviations, middle_and_spread
from pictree.neighbors import principal_axes


def codes_of(pixels: np.ndarray) -> np.ndarray:
    flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
    return (flat - flat.mean(axis=0)) @ principal_axes(flat, 50).T


def encoded(image: np.ndarray) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=40)
    return np.asarray(Image.open(file))


def shifted(image: np.ndarray) -> np.ndarray:
    return np.roll(image, (2, -1), axis=(0, 1))


def smaller(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((20, 20)).resize((28, 28)))


def brighter(image: np.ndarray) -> np.ndarray:
    return np.clip(image * 0.8 + 20, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def with_copies(digits: tuple) -> tuple[np.ndarray, set[tuple[int, int]]]:
    images = digits[0][:1000]
    changes = [encoded, shifted, smaller, brighter]
    copies = [changes[i % 4](images[20 * i]) for i in range(48)]
    return np.concatenate([images, copies])[..., None], {(20 * i, 1000 + i) for i in range(48)}


def test_copies_among_digits_are_found(with_copies: tuple) -> None:
    pixels, true = with_copies
    found = near_duplicates(codes_of(pixels), pixels)
    pairs = {tuple(pair) for pair in found.pairs.tolist()}
    assert len(pairs & true) >= 46
    assert len(pairs - true) <= 10  # ones that look the same, mostly
    assert (np.diff(found.ratios) >= 0).all()
    assert (found.ratios < found.limit).all()


def test_a_pile_without_copies_has_next_to_none(digits: tuple) -> None:
    pixels = digits[0][2000:3000, ..., None]
    assert len(near_duplicates(codes_of(pixels), pixels).pairs) <= 5


def test_too_few_pictures_have_no_pairs(digits: tuple) -> None:
    pixels = digits[0][[0] * 11][..., None]
    found = near_duplicates(codes_of(pixels) + np.arange(11)[:, None], pixels)
    assert found.pairs.shape == (0, 2)
    assert found.groups.tolist() == [-1] * 11


def test_difference_by_hand() -> None:
    plain, empty = np.zeros((2, 20, 20, 1), np.uint8)
    plain[8:12, 8:12] = 200
    moved, pale, other = np.roll(plain, 2, axis=1), plain // 4, np.zeros_like(plain)
    other[8:12, 8:10] = 200  # half of the square: sqrt(1/2) is what it shares
    pixels = np.stack([plain, moved, pale, other, empty])
    pairs = np.array([[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]])
    expected = [0, 0, 0, 1 - np.sqrt(0.5), 1]
    np.testing.assert_allclose(difference(pixels, pairs), expected, atol=1e-6)


@given(st.integers(-2, 2), st.integers(-2, 2))
@settings(max_examples=10, deadline=None)
def test_a_shift_within_the_frame_changes_no_spectrum(digits: tuple, up: int, left: int) -> None:
    images = digits[0][:5, ..., None]
    moved = np.roll(images, (up, left), axis=(1, 2))
    np.testing.assert_allclose(spectra(moved), spectra(images), atol=2e-3)


def test_thumbnails_are_block_means() -> None:
    pixels = np.zeros((1, 64, 33, 3), np.uint8)
    pixels[0, :2, :1] = [0, 102, 51]
    small = thumbnails(pixels)
    assert small.shape == (1, 32, 32)
    assert small[0, 0, 0] == pytest.approx(51 / 255)
    assert small[0, 1:].max() == 0


def test_groups_join_pairs_of_pairs() -> None:
    pairs = np.array([[1, 4], [4, 6], [2, 3]])
    assert groups_of(pairs, 8).tolist() == [-1, 1, 2, 2, 1, -1, 1, -1]


def test_deviations_by_hand() -> None:
    assert middle_and_spread(np.array([1.0, 2, 3, 4, 100])) == (3.0, 1.4826)
    values = np.r_[np.arange(21.0), 1000, np.arange(21.0) * 10]
    groups = np.r_[np.zeros(22, int), np.ones(21, int)]
    found = deviations(values, groups)
    assert found[21] == pytest.approx((1000 - 10.5) / (1.4826 * 5.5))
    assert found[22 + 10] == 0
    few = deviations(values, np.r_[np.zeros(42, int), [1]])
    middle, spread = middle_and_spread(values)
    assert few[-1] == pytest.approx((200 - middle) / spread)
