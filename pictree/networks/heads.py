"""Heads: from a code to the leaf or cluster that several clusterings put its image in."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from pictree.networks.layers import Dense, keras_start


class Heads(nn.Module):
    """One linear classifier on the rectified code for each clustering.

    Parameters
    ----------
    code : int
        Size of the code.
    sizes : sequence of int
        Number of groups of each clustering.
    """

    def __init__(self, code: int, sizes: Sequence[int]) -> None:
        super().__init__()
        self.sizes = list(sizes)
        self.dense = Dense(code, sum(sizes))

    def forward(self, codes: Tensor) -> tuple[Tensor, ...]:
        """Float codes (n, code) to logits, float (n, size) for each clustering."""
        return self.dense(functional.relu(codes)).split(self.sizes, dim=1)


def build_heads(code: int, sizes: Sequence[int], seed: int) -> Heads:
    """Build heads with Keras' starting weights.

    Parameters
    ----------
    code : int
    sizes : sequence of int
    seed : int

    Returns
    -------
    Heads
        On the CPU, float32.
    """
    heads = Heads(code, sizes)
    keras_start(heads.dense, torch.Generator().manual_seed(seed))
    return heads


def with_room(heads: Heads, groups: int, seed: int) -> Heads:
    """Make heads of which the last can tell so many groups.

    Parameters
    ----------
    heads : Heads
    groups : int
    seed : int
        Of the starting weights of groups that are added.

    Returns
    -------
    Heads
        The same where there is room; else new ones with the weights of these.
    """
    if groups <= heads.sizes[-1]:
        return heads
    wider = build_heads(heads.dense.weight.shape[1], [*heads.sizes[:-1], groups], seed)
    kept = sum(heads.sizes)
    with torch.no_grad():
        wider.dense.weight[:kept] = heads.dense.weight
        wider.dense.bias[:kept] = heads.dense.bias
    return wider
