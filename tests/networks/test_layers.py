from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pictree.networks.layers import Conv, ConvPool, Dense, UpConv, keras_start, pooled_sizes

SIDE, CHANNELS = st.integers(1, 12), st.integers(1, 4)


def started(layer: Conv | Dense, seed: int = 0) -> Conv | Dense:
    generator = torch.Generator().manual_seed(seed)
    keras_start(layer, generator)
    with torch.no_grad():
        layer.bias.uniform_(-0.5, 0.5, generator=generator)
    return layer


def counting(layer: Conv) -> Conv:
    """A kernel of ones without bias: each output is the sum of its 3×3 window."""
    with torch.no_grad():
        layer.weight.fill_(1)
        layer.bias.zero_()
    return layer


def test_convolution_sums_its_window_with_zeros_outside():
    x = torch.tensor([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    expected = [[12, 21, 16], [27, 45, 33], [24, 39, 28]]
    assert counting(Conv(1, 1))(x)[0, 0].tolist() == expected


def test_pooling_takes_the_greatest_of_each_block_and_keeps_the_odd_rest():
    x = torch.tensor([[[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]]])
    assert counting(ConvPool(1, 1))(x)[0, 0].tolist() == [[45, 33], [39, 28]]


def test_upsampling_repeats_pixels_before_the_convolution():
    x = torch.tensor([[[[1.0, 2]]]])  # upsampled: 1 1 2 2 twice
    full = counting(UpConv(1, 1, (2, 4)))(x)[0, 0].tolist()
    assert full == [[4, 8, 10, 8], [4, 8, 10, 8]]
    cropped = counting(UpConv(1, 1, (1, 3)))(x)[0, 0].tolist()
    assert cropped == [[2, 4, 3]]


def test_relu_cuts_below_zero_and_logits_are_left():
    x = torch.full((1, 1, 1, 1), -1.0)
    assert counting(UpConv(1, 1, (1, 1)))(x).item() == 0
    assert counting(UpConv(1, 1, (1, 1), relu=False))(x).item() == -1
    assert counting(ConvPool(1, 1))(x).item() == 0


@settings(max_examples=40, deadline=None)
@given(SIDE, SIDE, CHANNELS, CHANNELS, st.booleans())
def test_fast_forms_agree_with_plain_ones_in_values_and_gradients(h, w, inputs, outputs, relu):
    small = pooled_sizes((h, w), 1)[1]
    pool, up = ConvPool(inputs, outputs), UpConv(inputs, outputs, (h, w), relu=relu)
    assert_agree(started(pool), torch.Size((2, inputs, h, w)), (2, outputs, *small))
    assert_agree(started(up), torch.Size((2, inputs, *small)), (2, outputs, h, w))


def assert_agree(layer: ConvPool | UpConv, shape: torch.Size, expected: tuple) -> None:
    x = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    results = []
    for form in (layer.forward, layer.plain):
        layer.zero_grad()
        source = x.clone().to(memory_format=torch.channels_last).requires_grad_()
        y = form(source)
        assert y.shape == expected
        weights = torch.arange(y.numel(), dtype=torch.float32).reshape(y.shape) / y.numel()
        (y * weights).sum().backward()
        results.append((y, source.grad, layer.weight.grad, layer.bias.grad))
    for fast, plain in zip(*results, strict=True):
        torch.testing.assert_close(fast, plain, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("layer", "fans"), [(Conv(3, 5), (27, 45)), (Dense(40, 7), (40, 7))])
def test_keras_start_is_glorot_uniform_with_zero_biases(layer, fans):
    keras_start(layer, torch.Generator().manual_seed(0))
    limit = (6 / sum(fans)) ** 0.5
    assert layer.bias.abs().max() == 0
    assert 0.9 * limit < layer.weight.abs().max().item() <= limit
    assert layer.weight.std().item() == pytest.approx(limit / 3**0.5, rel=0.15)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((28, 28), [(28, 28), (14, 14), (7, 7)]),
        ((31, 47), [(31, 47), (16, 24), (8, 12)]),
        ((1, 1), [(1, 1), (1, 1), (1, 1)]),
    ],
)
def test_pooled_sizes_round_up(size, expected):
    assert pooled_sizes(size, 2) == expected
