"""Shares of a batch: every part once, and the same sums whoever learns them."""

from __future__ import annotations

import sys
from datetime import timedelta

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from pictree.engine.base import LostError
from pictree.networks.autoencoder import Architecture, build
from pictree.training import together
from pictree.training.together import Share, _pieces, _weighted, together_of


@given(parts=st.integers(1, 40), size=st.integers(1, 40))
def test_every_part_is_learned_once(parts: int, size: int) -> None:
    shares = [Share(parts, rank, size) for rank in range(size)]
    assert [part for share in shares for part in share.mine()] == list(range(parts))
    assert all(len(share.mine()) <= share.each for share in shares)


@given(images=st.integers(0, 99), parts=st.integers(1, 20))
def test_pieces_are_those_of_torch(images: int, parts: int) -> None:
    batch = torch.arange(images)
    found = [batch[piece].tolist() for piece in _pieces(images, parts)]
    assert found == [piece.tolist() for piece in batch.tensor_split(parts)]


def loss_of(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) - x).square().mean()


@pytest.mark.parametrize(("images", "parts"), [(64, 2), (33, 5), (3, 4)])
def test_parts_give_the_whole_batchs_gradients(images: int, parts: int) -> None:
    model = build(Architecture((8, 8, 1), (4, 3), (3, 4), 5, "linear"), 0)
    x = torch.rand(images, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    whole = loss_of(model, x)
    expected = torch.autograd.grad(whole, list(model.parameters()))
    with together_of(model, Share(parts)) as learners:
        found = learners.learn(x, lambda piece: loss_of(model, piece))
    torch.testing.assert_close(found, whole.detach())
    for parameter, gradient in zip(model.parameters(), expected, strict=True):
        torch.testing.assert_close(parameter.grad, gradient)
        assert parameter.grad.stride() == parameter.stride()


@given(
    rows=st.lists(
        st.lists(st.floats(-1e6, 1e6, width=32), min_size=12, max_size=12), min_size=1, max_size=9
    ),
    cut=st.integers(0, 12),
)
def test_slices_have_the_sums_of_the_whole(rows: list[list[float]], cut: int) -> None:
    """To the bit, wherever the slice ends."""
    table, shares = torch.tensor(rows), [1 / (3 + i) for i in range(len(rows))]
    whole = _weighted(table, shares)
    parts = [_weighted(piece, shares) for piece in (table[:, :cut], table[:, cut:])]
    assert torch.equal(torch.cat(parts), whole)


def test_who_finds_nobody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(together, "_MEETING", timedelta(seconds=1))
    meeting = together.meeting_point("127.0.0.1")
    port = meeting.port
    del meeting
    with (
        pytest.raises(LostError, match=r"^another was lost \("),
        together.joined("127.0.0.1", port, Share(2)),
    ):
        raise AssertionError("there is nobody")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells it")
def test_the_interface_is_that_of_the_others() -> None:
    assert together.interface_to("127.0.0.1") == "lo"
    assert together.interface_to("127.0.1.1") == "lo"
    assert together.interface_to("nowhere.invalid") is None
