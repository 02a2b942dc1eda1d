from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pictree.networks.autoencoder import Architecture, build
from pictree.training.parts import parts_of


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def loss_of(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().mean()


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize("images", [7, 64, 101])
def test_parts_of_a_batch_give_the_whole_batchs_gradients(images):
    model = build(Architecture((8, 8, 1), (4, 3), (3, 4), 5, "linear"), 0)
    x = torch.rand(images, 8, 8, 1, generator=torch.Generator().manual_seed(0)).permute(0, 3, 1, 2)
    whole = loss_of(model, x)
    expected = torch.autograd.grad(whole, list(model.parameters()))
    with parts_of(model, "cpu", 64) as parts:
        found = parts.learn(x, lambda piece: loss_of(model, piece))
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    torch.testing.assert_close(found, whole.detach())
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
        assert parameter.grad.is_contiguous()


@pytest.mark.usefixtures("two_threads")
def test_few_images_stay_together_with_all_threads():
    model = build(Architecture((8, 8, 1), (4,), (4,)), 0)
    seen = []
    with parts_of(model, "cpu", 20) as parts:
        parts.learn(torch.rand(20, 1, 8, 8), lambda x: seen.append(len(x)) or loss_of(model, x))
        assert torch.get_num_threads() == 2
    assert seen == [20]


@pytest.mark.usefixtures("two_threads")
def test_a_fault_in_one_part_is_the_callers():
    model = build(Architecture((8, 8, 1), (4,), (4,)), 0)

    def fail(piece: Tensor) -> Tensor:
        raise ValueError("no loss")

    with pytest.raises(ValueError, match="no loss"), parts_of(model, "cpu", 64) as parts:
        parts.learn(torch.zeros(64, 1, 8, 8), fail)
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_batch_normalisation_sees_the_whole_batch():
    model = build(Architecture((8, 8, 1), (4,), (4,), 5, normalise=True), 0)
    seen = []
    with parts_of(model, "cpu", 64) as parts:
        parts.learn(torch.rand(64, 1, 8, 8), lambda x: seen.append(len(x)) or loss_of(model, x))
    assert seen == [64]
