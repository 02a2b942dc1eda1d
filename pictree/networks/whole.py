"""A whole network of few channels learned by compiled code; the layers are its twins.

At batches of 32 and 2 to 16 channels torch's calls and its convolutions take several times what the
arithmetic does. Here each layer is one call, on maps that lie as `pictree.networks.by_rows` says.
Importing this module imports numba; `pictree.networks.narrow` says when it is used.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pictree.networks import by_rows
from pictree.networks.autoencoder import Autoencoder

ROW = 1_024
"""Numbers in a row of maps, about: more images are learned one piece after the other."""

FEWEST, MOST = 8, 32
"""Images in a piece."""


class Whole:
    """Sets a network's gradients by compiled code.

    Parameters
    ----------
    model : Autoencoder
        See `pictree.networks.narrow.fits`.
    """

    def __init__(self, model: Autoencoder) -> None:
        self._parameters = [(p, torch.zeros_like(p)) for p in model.parameters()]
        for parameter, gradient in self._parameters:
            parameter.grad = gradient
        self._model = model
        self._most = max(FEWEST, min(MOST, ROW // model.architecture.image_shape[1]))
        self._works: dict[int, _Work] = {}

    def learn(self, x: Tensor, loss_of: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Set the parameters' gradients of the mean loss of a batch; return the loss.

        Parameters
        ----------
        x : float32 (n, c, h, w)
        loss_of : callable
            Raw outputs and images to their mean loss.
        """
        for parameter, gradient in self._parameters:
            parameter.grad = gradient.zero_()
        losses = []
        for piece in x.split(self._most):
            if len(piece) not in self._works:
                self._works[len(piece)] = _Work(self._model, len(piece))
            share = len(piece) / len(x)
            losses.append(self._works[len(piece)].learn(piece, loss_of, share) * share)
        return losses[0] if len(losses) == 1 else torch.stack(losses).sum()


class _Work:
    """The network's parts for some images; see `Whole`."""

    def __init__(self, model: Autoencoder, images: int) -> None:
        self.down = _Down(model, images)
        self.up = _Up(model, images)
        self.code = _Code(model, images) if model.architecture.code else None

    def learn(self, x: Tensor, loss_of: Callable[[Tensor, Tensor], Tensor], share: float) -> Tensor:
        """Add the gradients of the images' mean loss times their share; return the loss."""
        maps, images = self.down.forward(x)
        raw = self.up.forward(maps if self.code is None else self.code.forward(maps))
        raw.requires_grad_()
        loss = loss_of(raw, images)
        (gradient,) = torch.autograd.grad(loss, raw)
        back = self.up.backward(gradient, share)
        if self.code is not None:
            back = self.code.backward(back)
        self.down.backward(back)
        return loss.detach()


class _Values:
    """A layer's numbers and their gradients, the tensors' own memory."""

    def __init__(self, layer: Any) -> None:
        self.weight, self.bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
        self.of_weight, self.of_bias = layer.weight.grad.numpy(), layer.bias.grad.numpy()


class _Maps:
    """Makes maps of some images, plain or with a frame of zeros."""

    def __init__(self, images: int) -> None:
        self.images = images

    def plain(self, channels: int, size: tuple[int, int]) -> np.ndarray:
        return np.empty((channels, size[0], size[1] * self.images), np.float32)

    def framed(self, channels: int, size: tuple[int, int]) -> np.ndarray:
        return np.zeros((channels, size[0] + 2, (size[1] + 2) * self.images), np.float32)

    def inside(self, framed: np.ndarray) -> np.ndarray:
        """Return the maps within the frame, (channels, height, width, images)."""
        return framed.reshape(*framed.shape[:2], -1, self.images)[:, 1:-1, 1:-1]

    def as_images(self, maps: np.ndarray) -> Tensor:
        """Return maps as torch has them, (images, channels, height, width); nothing is copied."""
        split = maps.reshape(*maps.shape[:2], -1, self.images) if maps.ndim == 3 else maps
        return torch.from_numpy(split).permute(3, 0, 1, 2)


class _Down(_Maps):
    """The encoder's convolutions and poolings."""

    def __init__(self, model: Autoencoder, images: int) -> None:
        super().__init__(images)
        shape, self.layers = model.architecture, [_Values(s) for s in model.encoder.stages]
        widths, sizes = (shape.image_shape[2], *shape.encoder), shape.sizes
        self.inputs = [self.framed(c, size) for c, size in zip(widths, sizes, strict=True)]
        self.of_inputs = [self.plain(c, size) for c, size in zip(widths, sizes, strict=True)]
        stages = list(zip(shape.encoder, sizes[:-1], sizes[1:], strict=True))
        self.convolved = [self.plain(c, size) for c, size, _ in stages]
        self.of_convolved = [self.framed(c, size) for c, size, _ in stages]
        self.index = [np.zeros_like(self.plain(c, pooled), np.int32) for c, _, pooled in stages]

    def forward(self, x: Tensor) -> tuple[np.ndarray, Tensor]:
        """Return the last maps, framed, and the images in the maps' layout."""
        images = self.as_images(self.inside(self.inputs[0])).copy_(x)
        for i, layer in enumerate(self.layers):
            out = self.convolved[i]
            by_rows.convolve(self.inputs[i], layer.weight, layer.bias, out, self.images)
            by_rows.pool(self.convolved[i], self.inputs[i + 1], self.index[i], self.images)
        return self.inputs[-1], images

    def backward(self, gradient: np.ndarray) -> None:
        """Add the gradients, given that of the last maps."""
        for i in reversed(range(len(self.layers))):
            framed = self.of_convolved[i]
            by_rows.unpool(gradient, self.index[i], framed, self.images)
            by_rows.convolve_gradient(
                self.inputs[i], framed, *_gradients(self.layers[i]), self.images
            )
            if i:
                gradient = self.of_inputs[i]
                _convolve_back(framed, self.layers[i], gradient, self.images)


class _Code(_Maps):
    """The dense layers around the code."""

    def __init__(self, model: Autoencoder, images: int) -> None:
        super().__init__(images)
        height, width, channels = self.shape = model.architecture.maps_shape
        self.to_code, self.from_code = _Values(model.encoder.dense), _Values(model.decoder.dense)
        self.maps = self.framed(channels, (height, width))
        self.flat = np.empty((0, 0), np.float32)
        self.code = self.drawn = self.flat

    def forward(self, maps: np.ndarray) -> np.ndarray:
        """Return the decoder's first maps, framed."""
        self.flat = self.inside(maps).reshape(-1, self.images)
        self.code = self._inner() @ self.flat + self.to_code.bias[:, None]
        drawn = self._outer() @ self.code + self._outer_bias()
        self.drawn = np.maximum(drawn, 0)
        inside = self.inside(self.maps)
        inside[...] = self.drawn.reshape(inside.shape)
        return self.maps

    def backward(self, gradient: np.ndarray) -> np.ndarray:
        """Add the gradients; return that of the encoder's last maps."""
        back = np.where(self.drawn > 0, gradient.reshape(self.drawn.shape), np.float32(0))
        height, width, channels = self.shape
        by_place = (back @ self.code.T).reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
        self.from_code.of_weight += by_place.reshape(len(back), -1)
        bias = back.sum(axis=1).reshape(channels, height, width).transpose(1, 2, 0)
        self.from_code.of_bias += bias.reshape(-1)
        of_code = self._outer().T @ back
        to_code = (of_code @ self.flat.T).reshape(-1, channels, height, width)
        self.to_code.of_weight += to_code.transpose(0, 2, 3, 1).reshape(len(of_code), -1)
        self.to_code.of_bias += of_code.sum(axis=1)
        return (self._inner().T @ of_code).reshape(channels, height, -1)

    def _inner(self) -> np.ndarray:
        """Weights to the code, by channel, row, column: the layer has row, column, channel."""
        weight = self.to_code.weight
        return weight.reshape(-1, *self.shape).transpose(0, 3, 1, 2).reshape(len(weight), -1)

    def _outer(self) -> np.ndarray:
        weight = self.from_code.weight
        by_place = weight.reshape(*self.shape, -1).transpose(2, 0, 1, 3)
        return by_place.reshape(len(weight), -1)

    def _outer_bias(self) -> np.ndarray:
        bias = self.from_code.bias.reshape(self.shape)
        return bias.transpose(2, 0, 1).reshape(-1, 1)


class _Up(_Maps):
    """The decoder's convolutions."""

    def __init__(self, model: Autoencoder, images: int) -> None:
        super().__init__(images)
        shape, self.layers = model.architecture, [_Values(s) for s in model.decoder.stages]
        widths, sizes = (*shape.decoder, shape.image_shape[2]), shape.sizes[::-1]
        self.of_maps = self.plain(shape.maps_shape[2], sizes[0])
        self.drawn = [self.plain(c, size) for c, size in zip(widths, sizes, strict=True)]
        self.of_drawn = [self.framed(c, size) for c, size in zip(widths, sizes, strict=True)]
        wide = [(low[0], high[1]) for low, high in pairwise(sizes)]
        self.widened = [self.framed(c, size) for c, size in zip(shape.decoder, wide, strict=True)]
        self.of_widened = [self.plain(c, size) for c, size in zip(shape.decoder, wide, strict=True)]
        self.maps = self.of_drawn[0]

    def forward(self, maps: np.ndarray) -> Tensor:
        """Return the raw outputs."""
        self.maps = maps
        first = self.layers[0]
        by_rows.convolve(maps, first.weight, first.bias, self.drawn[0], self.images)
        for i, layer in enumerate(self.layers[1:]):
            by_rows.widen(self.drawn[i], self.widened[i], self.images)
            out = self.drawn[i + 1]
            by_rows.convolve_up(self.widened[i], layer.weight, layer.bias, out, self.images)
        return self.as_images(self.drawn[-1])

    def backward(self, gradient: Tensor, share: float) -> np.ndarray:
        """Add the gradients, given that of the raw outputs; return that of the first maps."""
        torch.mul(gradient, share, out=self.as_images(self.inside(self.of_drawn[-1])))
        for i in reversed(range(len(self.layers) - 1)):
            framed, layer, back = self.of_drawn[i + 1], self.layers[i + 1], self.of_widened[i]
            by_rows.convolve_up_gradient(self.widened[i], framed, *_gradients(layer), self.images)
            by_rows.convolve_up_back(framed, layer.weight, back, self.images)
            by_rows.unwiden(back, self.drawn[i], self.of_drawn[i], self.images)
        own = _gradients(self.layers[0])
        by_rows.convolve_gradient(self.maps, self.of_drawn[0], *own, self.images)
        _convolve_back(self.of_drawn[0], self.layers[0], self.of_maps, self.images)
        return self.of_maps


def _gradients(layer: _Values) -> tuple[np.ndarray, np.ndarray]:
    return layer.of_weight, layer.of_bias


def _convolve_back(framed: np.ndarray, layer: _Values, out: np.ndarray, images: int) -> None:
    """Gradients through a convolution: a convolution by the mirrored kernel."""
    mirrored = np.ascontiguousarray(layer.weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
    by_rows.convolve(framed, mirrored, np.zeros(len(mirrored), np.float32), out, images)
