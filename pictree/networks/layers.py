"""The three convolution stages, each in a plain form and in a fast form that agrees with it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from pictree.networks import fused


class Conv(nn.Module):
    """3×3 convolution with "same" padding, then ReLU.

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    relu : bool
        False gives the bare convolution, for logits.

    Notes
    -----
    The weights are left unset: `pictree.networks.autoencoder.build` draws them from its own
    generator, so that torch's global one stays untouched.
    """

    def __init__(self, inputs: int, outputs: int, *, relu: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, inputs, h, w) to float (n, outputs, h, w)."""
        y = functional.conv2d(x, self.weight, self.bias, padding=1)
        return functional.relu(y) if self.relu else y


class ConvPool(Conv):
    """3×3 convolution, ReLU, 2×2 max pooling; odd sizes are rounded up, as Keras' "same"."""

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, inputs, h, w) to (n, outputs, ceil(h/2), ceil(w/2)).

        ReLU and maximum commute: after the pooling ReLU has a quarter of the work.
        """
        if fused.fits(x):
            if fused.is_image(x):
                return fused.first_stage(x, self.weight, self.bias)
            return fused.pool(functional.conv2d(x, self.weight, self.bias, padding=1))
        y = functional.conv2d(x, self.weight, self.bias, padding=1)
        return functional.relu(functional.max_pool2d(y, 2, ceil_mode=True))

    def plain(self, x: Tensor) -> Tensor:
        """Return the same by the definition."""
        return functional.max_pool2d(super().forward(x), 2, ceil_mode=True)


class NormConvPool(ConvPool):
    """3×3 convolution, 2×2 max pooling, batch normalisation, ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, inputs, h, w) to (n, outputs, ceil(h/2), ceil(w/2)).

        Normalised after the pooling: a quarter of the work.
        """
        y = functional.conv2d(x, self.weight, self.bias, padding=1)
        return functional.relu(self.norm(functional.max_pool2d(y, 2, ceil_mode=True)))


class UpConv(Conv):
    """Nearest upsampling ×2 cropped to `size`, then a 3×3 convolution (and ReLU).

    Parameters
    ----------
    inputs, outputs : int
        Channels.
    size : (int, int)
        Height and width of the result, 2h or 2h - 1 for an input of height h.
    relu : bool
        False gives logits.
    """

    def __init__(
        self, inputs: int, outputs: int, size: tuple[int, int], *, relu: bool = True
    ) -> None:
        super().__init__(inputs, outputs, relu=relu)
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, inputs, h, w) to (n, outputs, *size).

        Each upsampled pixel is four equal ones, so the 3×3 kernel meets every source pixel
        through sums of its weights: one transposed convolution of stride 2, whose 4×4 kernel
        is the flipped 3×3 kernel summed over 2×2 windows.
        """
        kernel = functional.avg_pool2d(
            self.weight.flip(2, 3).transpose(0, 1), 2, stride=1, padding=1, divisor_override=1
        )
        if fused.fits(x) and len(self.weight) == 1:
            y = fused.last_stage(x, kernel, self.bias)
        else:
            y = functional.conv_transpose2d(x, kernel, self.bias, stride=2, padding=1)
        if self.size != tuple(y.shape[2:]):
            y = self._crop(x, y)
        return functional.relu(y) if self.relu else y

    def plain(self, x: Tensor) -> Tensor:
        """Return the same by the definition."""
        y = self._convolve(x, crop=(self.size[0] % 2, self.size[1] % 2))
        return functional.relu(y) if self.relu else y

    def _crop(self, x: Tensor, y: Tensor) -> Tensor:
        # The last kept row (column) borders on zeros, not on the copy that was cropped: it is
        # computed anew from the two last rows of the source.
        height, width = self.size
        y = y[..., :height, :width]
        if height % 2:
            row = self._convolve(x[..., -2:, :], crop=(1, width % 2))[..., -1:, :]
            y = torch.cat([y[..., :-1, :], row], dim=2)
        if width % 2:
            column = self._convolve(x[..., -2:], crop=(height % 2, 1))[..., -1:]
            y = torch.cat([y[..., :-1], column], dim=3)
        return y

    def _convolve(self, x: Tensor, crop: tuple[int, int]) -> Tensor:
        up = functional.interpolate(x, scale_factor=2, mode="nearest")
        up = up[..., : up.shape[2] - crop[0], : up.shape[3] - crop[1]]
        return functional.conv2d(up, self.weight, self.bias, padding=1)


class Dense(nn.Module):
    """Fully connected layer, (n, inputs) to (n, outputs), with ReLU where asked."""

    def __init__(self, inputs: int, outputs: int, *, relu: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.bias = nn.Parameter(torch.empty(outputs))
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, inputs) to float (n, outputs)."""
        y = functional.linear(x, self.weight, self.bias)
        return functional.relu(y) if self.relu else y


def pooled_sizes(size: tuple[int, int], stages: int) -> list[tuple[int, int]]:
    """List the sizes before, between and after `stages` poolings.

    Parameters
    ----------
    size : (int, int)
        Height and width of the images.
    stages : int

    Returns
    -------
    list of (int, int)
        ``stages + 1`` sizes, largest first.

    Examples
    --------
    >>> pooled_sizes((5, 7), 2)
    [(5, 7), (3, 4), (2, 2)]
    """
    sizes = [size]
    for _ in range(stages):
        height, width = sizes[-1]
        sizes.append(((height + 1) // 2, (width + 1) // 2))
    return sizes


def keras_start(layer: Conv | Dense, generator: torch.Generator) -> None:
    """Set one layer's weights as Keras does: Glorot-uniform kernels, zero biases.

    Parameters
    ----------
    layer : Conv or Dense
    generator : torch.Generator
        Advanced by this call.

    References
    ----------
    Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010.
    """
    weight, bias = layer.weight, layer.bias
    field = weight[0, 0].numel() if weight.ndim == 4 else 1
    limit = (6 / ((weight.shape[0] + weight.shape[1]) * field)) ** 0.5
    with torch.no_grad():
        weight.uniform_(-limit, limit, generator=generator)
        bias.zero_()
