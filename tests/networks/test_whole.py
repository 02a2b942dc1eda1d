from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

pytest.importorskip("numba")

from pictree.device import Device
from pictree.networks import narrow
from pictree.networks.autoencoder import Architecture, Autoencoder, build
from pictree.networks.whole import Whole
from pictree.training.losses import get_loss

CPU = Device("cpu", "float32", 1, "for a test")
SMALL = Architecture((28, 28, 1), (16, 2), (2, 16))
WIDTHS = st.lists(st.integers(1, 4), min_size=1, max_size=3)


def network(architecture: Architecture) -> Autoencoder:
    model = build(architecture, seed=0)
    generator = torch.Generator().manual_seed(1)
    for parameter in model.parameters():
        if parameter.ndim == 1:  # biases start at zero
            nn.init.normal_(parameter, std=0.1, generator=generator)
    return model


def images(architecture: Architecture, count: int) -> Tensor:
    height, width, channels = architecture.image_shape
    made = torch.rand(count, height, width, channels, generator=torch.Generator().manual_seed(2))
    return made.permute(0, 3, 1, 2)


def assert_as_by_the_layers(architecture: Architecture, loss: str, count: int) -> None:
    model, loss_of = network(architecture), get_loss(loss, architecture.output)
    x = images(architecture, count)
    expected = loss_of(model(x), x)
    gradients = torch.autograd.grad(expected, list(model.parameters()))
    found = Whole(model).learn(x, loss_of)
    torch.testing.assert_close(found, expected.detach())
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        scale = float(gradient.abs().max())
        torch.testing.assert_close(
            parameter.grad, gradient, rtol=1e-4, atol=1e-5 * max(scale, 1e-4)
        )


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    WIDTHS,
    st.integers(0, 3),
    st.integers(1, 5),
)
def test_gradients_are_those_of_the_layers(shape, widths, code, count):
    made = Architecture(shape, tuple(widths), tuple(widths[::-1]), code, "linear")
    assert_as_by_the_layers(made, "mse", count)


@pytest.mark.parametrize("count", [32, 70])
def test_gradients_of_small_98_and_of_a_batch_in_pieces(count):
    assert_as_by_the_layers(SMALL, "bce", count)


def test_a_step_leaves_nothing_behind_for_the_next():
    model, loss_of = network(SMALL), get_loss("bce", "sigmoid")
    whole, x = Whole(model), images(SMALL, 40)
    whole.learn(x[:32], loss_of)
    first = [parameter.grad.clone() for parameter in model.parameters()]
    whole.learn(x[8:], loss_of)
    whole.learn(x[:32], loss_of)
    for parameter, gradient in zip(model.parameters(), first, strict=True):
        assert torch.equal(parameter.grad, gradient)


def test_narrow_networks_alone_are_learned_as_a_whole():
    assert narrow.fits(build(SMALL, 0), CPU)
    wide = replace(SMALL, encoder=(32, 2))
    large = replace(SMALL, image_shape=(65, 28, 1))
    normal = replace(SMALL, code=2, normalise=True)
    for other in (wide, large, normal):
        assert not narrow.fits(build(other, 0), CPU)
    assert not narrow.fits(build(SMALL, 0), replace(CPU, precision="bfloat16"))
    assert not narrow.fits(build(SMALL, 0), replace(CPU, kind="cuda"))
    frozen = build(SMALL, 0)
    frozen.encoder.requires_grad_(False)
    assert not narrow.fits(frozen, CPU)
