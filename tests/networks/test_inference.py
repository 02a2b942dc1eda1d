from __future__ import annotations

import numpy as np
import pytest
import torch

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Architecture, build
from pictree.networks.inference import decode, encode, reconstruction_errors, to_batch

CPU = Device("cpu", "float32", 1, "")
MODEL = build(Architecture((28, 28, 1), (16, 2), (2, 16)), seed=0)


@pytest.fixture(scope="module")
def pixels(digits):
    return digits[0][:50, :, :, None]


def test_bytes_become_numbers_from_0_to_1():
    batch = to_batch(np.array([[[[0, 51]], [[255, 102]]]], np.uint8), "cpu")
    assert batch.shape == (1, 2, 2, 1)
    np.testing.assert_allclose(batch[0, :, :, 0], [[0, 1], [0.2, 0.4]], rtol=1e-6)
    floats = np.full((1, 2, 2, 1), 0.3, np.float64)
    assert to_batch(floats, "cpu").dtype == torch.float32


def test_a_read_only_array_is_read_and_never_written(pixels):
    locked = pixels.copy()
    locked.flags.writeable = False
    np.testing.assert_array_equal(encode(MODEL, locked, CPU), encode(MODEL, pixels, CPU))


def test_codes_are_the_encoders_and_do_not_depend_on_the_batch(pixels):
    codes = encode(MODEL, pixels, CPU)
    with torch.inference_mode():
        expected = MODEL.encode(to_batch(pixels, "cpu")).numpy()
    assert codes.dtype == np.float32
    assert codes.shape == (50, 98)
    np.testing.assert_array_equal(codes, expected)
    np.testing.assert_allclose(encode(MODEL, pixels, CPU, batch=7), codes, atol=1e-6)


def test_rows_choose_images_and_their_order(pixels):
    rows = np.array([9, 3, 3])
    codes = encode(MODEL, pixels, CPU)
    np.testing.assert_allclose(encode(MODEL, pixels, CPU, rows), codes[rows], atol=1e-6)


def test_errors_are_those_of_the_decoded_codes(pixels):
    errors = reconstruction_errors(MODEL, pixels, CPU, batch=16)
    images = decode(MODEL, encode(MODEL, pixels, CPU), CPU, batch=16)
    assert images.shape == (50, 28, 28, 1)
    assert images.min() >= 0
    assert images.max() <= 1
    expected = ((images - pixels / 255) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


def test_other_shapes_are_refused_in_whole(pixels):
    with pytest.raises(InputError) as caught:
        encode(MODEL, pixels[:, :20], CPU)
    assert str(caught.value) == (
        "images must have shape (n, 28, 28, 1); got shape (50, 20, 28, 1). "
        "Bring the images to the model's format first."
    )
    with pytest.raises(InputError) as caught:
        decode(MODEL, np.zeros((2, 97), np.float32), CPU)
    assert str(caught.value) == (
        "codes must have shape (n, 98); got shape (2, 97). Pass codes of this model."
    )
