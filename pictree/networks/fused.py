"""Compiled pooling and first stage as steps that torch can learn through."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

FEW = 4
"""Channels of images, at most: with more, torch's own convolutions are quicker."""


_one_at_a_time = Lock()
"""A thread that comes while another one's import fails would get the half of a module."""


@cache
def is_here() -> bool:
    """Tell whether numba is installed and works; pictree[umap] brings it."""
    with _one_at_a_time:
        try:
            import pictree.networks.compiled  # noqa: F401
        except Exception:  # a broken numba raises more kinds than ImportError
            return False
        return True


_wanted = 0


@contextmanager
def wanted() -> Iterator[None]:
    """Let layers use the compiled code meanwhile, in every thread of this process."""
    global _wanted
    _wanted += 1
    try:
        yield
    finally:
        _wanted -= 1


def fits(x: Tensor) -> bool:
    """Tell whether the compiled code is wanted and there for learning through `x`."""
    known = x.dtype in (torch.bfloat16, torch.float32) and x.device.type == "cpu"
    return _wanted > 0 and torch.is_grad_enabled() and known and is_here()


def is_image(x: Tensor) -> bool:
    """Tell whether these are images that `first_stage` takes: nothing is learned of them."""
    return x.shape[1] <= FEW and not x.requires_grad and x.shape[2] % 2 == x.shape[3] % 2 == 0


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, y: Tensor) -> Tensor:
        from pictree.networks import compiled

        flat = y.permute(0, 2, 3, 1).contiguous()
        n, height, width, channels = flat.shape
        out = flat.new_empty(n, -(-height // 2), -(-width // 2), channels)
        index = torch.empty(out.shape, dtype=torch.uint8)
        compiled.pool(compiled.bits(flat), compiled.bits(out), index.numpy())
        ctx.index, ctx.size = index, flat.shape
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        from pictree.networks import compiled

        gradient = gradients[0].permute(0, 2, 3, 1).contiguous()
        out = gradient.new_empty(ctx.size)
        compiled.unpool(compiled.bits(gradient), ctx.index.numpy(), compiled.bits(out))
        return out.permute(0, 3, 1, 2)


class _FirstStage(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, dtype: torch.dtype) -> Tensor:
        from pictree.networks import compiled

        n, inputs, height, width = x.shape
        framed = x.new_zeros(n, height + 2, width + 2, inputs)
        framed[:, 1:-1, 1:-1] = x.permute(0, 2, 3, 1)
        kernel = weight.permute(2, 3, 1, 0).contiguous()
        out = torch.empty(n, height // 2, width // 2, len(weight), dtype=dtype)
        index = torch.empty(out.shape, dtype=torch.uint8)
        compiled.first_stage(
            framed.numpy(), kernel.numpy(), bias.numpy(), compiled.bits(out), index.numpy()
        )
        ctx.framed, ctx.index, ctx.shape = framed, index, kernel.shape
        return out.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, None]:
        from pictree.networks import compiled

        gradient = compiled.bits(gradients[0].permute(0, 2, 3, 1).contiguous())
        kernel, bias = torch.zeros(ctx.shape), torch.zeros(ctx.shape[-1])
        compiled.first_stage_gradient(
            ctx.framed.numpy(), gradient, ctx.index.numpy(), kernel.numpy(), bias.numpy()
        )
        return None, kernel.permute(3, 2, 0, 1), bias, None


class _Spread(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, share: Tensor, bias: Tensor) -> Tensor:
        from pictree.networks import compiled

        n, height, width, _ = share.shape
        out = torch.empty(n, 2 * height + 2, 2 * width + 2)
        compiled.spread(compiled.bits(share), bias.numpy(), out.numpy())
        ctx.shape, ctx.dtype = share.shape, share.dtype
        return out[:, 1:-1, 1:-1].unsqueeze(1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        from pictree.networks import compiled

        framed = functional.pad(gradients[0][:, 0], (1, 1, 1, 1))
        share = torch.empty(ctx.shape, dtype=ctx.dtype)
        compiled.collect(compiled.bits(framed), compiled.bits(share))
        return share, gradients[0].sum().view(1)


def pool(y: Tensor) -> Tensor:
    """ReLU and 2×2 maximum, rounded up, to the bit as torch's.

    Parameters
    ----------
    y : bfloat16 or float32 (n, c, h, w)
    """
    return _Pool.apply(y)


def first_stage(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """3×3 convolution, ReLU and 2×2 maximum of images; sums in float32 whatever the format.

    Parameters
    ----------
    x : float32 (n, inputs, h, w)
        Of an even size; nothing is learned of it.
    weight, bias : float32 (c, inputs, 3, 3), (c,)

    Returns
    -------
    float32, or bfloat16 under autocast (n, c, h / 2, w / 2)
    """
    return _FirstStage.apply(x, weight, bias, _dtype(x))


def last_stage(x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """Transposed convolution of stride 2 to one channel, as one product of matrices.

    Parameters
    ----------
    x : float (n, c, h, w)
    kernel : float32 (c, 1, 4, 4)
    bias : float32 (1,)

    Returns
    -------
    float32 (n, 1, 2h, 2w)
    """
    n, channels, height, width = x.shape
    share = x.permute(0, 2, 3, 1).reshape(-1, channels) @ kernel.reshape(channels, 16)
    return _Spread.apply(share.view(n, height, width, 16), bias)


def _dtype(x: Tensor) -> torch.dtype:
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
