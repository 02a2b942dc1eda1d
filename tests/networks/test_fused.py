from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

pytest.importorskip("numba")

from pictree.networks import fused
from pictree.networks.layers import ConvPool, UpConv

SIDE = st.integers(1, 9)


def images(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))
    return made.to(dtype).contiguous(memory_format=torch.channels_last).requires_grad_()


def plain_pool(y: Tensor) -> Tensor:
    return functional.relu(functional.max_pool2d(y, 2, ceil_mode=True))


@settings(max_examples=30, deadline=None)
@given(SIDE, SIDE, st.integers(1, 5), st.sampled_from([torch.float32, torch.bfloat16]))
def test_pooling_is_torchs_to_the_bit_forward_and_backward(h, w, channels, dtype):
    y = images(3, channels, h, w, dtype=dtype)
    y.data[:, :, : h // 2] = y.data[:, :, : h // 2].round()  # equal values: the first one counts
    ours, theirs = fused.pool(y), plain_pool(y)
    assert ours.dtype == dtype
    assert torch.equal(ours, theirs)
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(0)).to(dtype)
    (own,) = torch.autograd.grad(ours, y, weights)
    (other,) = torch.autograd.grad(theirs, y, weights)
    assert torch.equal(own, other)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 5))
def test_first_stage_agrees_with_convolution_and_pooling(h, w, inputs, channels):
    x = images(2, inputs, 2 * h, 2 * w).detach()
    weight, bias = images(channels, inputs, 3, 3), images(channels, 1, 1, 1).view(-1)
    ours = fused.first_stage(x, weight, bias)
    theirs = plain_pool(functional.conv2d(x, weight, bias, padding=1))
    torch.testing.assert_close(ours, theirs)
    assert_same_gradients(ours, theirs, [weight, bias])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 5))
def test_last_stage_agrees_with_a_transposed_convolution(h, w, channels):
    x, bias = images(2, channels, h, w), images(1, 1, 1, 1).view(-1)
    kernel = images(channels, 1, 4, 4)
    ours = fused.last_stage(x, kernel, bias)
    theirs = functional.conv_transpose2d(x, kernel, bias, stride=2, padding=1)
    torch.testing.assert_close(ours, theirs)
    assert_same_gradients(ours, theirs, [x, kernel, bias])


def assert_same_gradients(ours: Tensor, theirs: Tensor, of: list[Tensor]) -> None:
    weights = torch.randn(ours.shape, generator=torch.Generator().manual_seed(0))
    own, other = (torch.autograd.grad(out, of, weights) for out in (ours, theirs))
    for one, two in zip(own, other, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-4)


def test_in_bfloat16_the_stages_are_as_near_to_float32_as_torchs_are():
    x = images(8, 1, 12, 12).detach()
    torch.manual_seed(0)
    down, up = ConvPool(1, 8), UpConv(8, 1, (12, 12), relu=False)
    for parameter in (*down.parameters(), *up.parameters()):
        torch.nn.init.normal_(parameter, std=0.5)
    exact = up.plain(down.plain(x))
    with fused.wanted(), torch.autocast("cpu", torch.bfloat16):
        assert down(x).dtype == torch.bfloat16
        ours, theirs = up(down(x)), up.plain(down.plain(x))
    assert (ours - exact).abs().mean() <= 1.5 * (theirs - exact).abs().mean()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 3))
def test_layers_agree_with_their_plain_form(h, w, inputs, outputs):
    layers = [ConvPool(inputs, outputs), UpConv(inputs, outputs, (h, w), relu=False)]
    sizes = [(h, w), (-(-h // 2), -(-w // 2))]
    for layer, size in zip(layers, sizes, strict=True):
        torch.nn.init.normal_(layer.weight)
        torch.nn.init.normal_(layer.bias)
        x = images(2, inputs, *size).detach()
        with fused.wanted():
            ours = layer(x)
        theirs = layer.plain(x)
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
        assert_same_gradients(ours, theirs, list(layer.parameters()))


def test_the_compiled_code_is_used_where_it_is_wanted_for_learning():
    x = torch.zeros(1, 1, 4, 4)
    assert not fused.fits(x)
    with fused.wanted():
        assert fused.fits(x)
        assert not fused.fits(x.double())
        with torch.no_grad():
            assert not fused.fits(x)
    assert not fused.fits(x)
    assert not fused.is_image(torch.zeros(1, 1, 3, 4))
    assert not fused.is_image(torch.zeros(1, 5, 4, 4))
    assert not fused.is_image(x.clone().requires_grad_())
