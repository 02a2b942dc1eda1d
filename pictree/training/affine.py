"""Mild random changes of images, as a person would hold them a little differently."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

ROTATION, SCALE, SHEAR, SHIFT = 6.0, 0.06, 0.075, 0.05
"""Most change at strength 1: degrees; share of the size; shear; share of the width and height."""


def random_affine(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Rotate, scale, shear and shift each image by amounts of its own.

    Each image first draws its own strength, uniform from 0 to `strength`, then each change,
    uniform within that: most images change little, so the strongest change may be strong without
    harm where the kinds don't bear it, and no strength has to be chosen for a data set. (Drawing
    the strength instead of choosing it: Müller & Hutter 2021, "TrivialAugment".)

    Parameters
    ----------
    images : float (n, c, h, w)
    strength : float
        At least 0; 0 changes nothing.
    generator : torch.Generator
        On the CPU; advanced by this call.

    Returns
    -------
    float (n, c, h, w)
        Where an image's border moved in, its edge pixels are repeated.
    """
    if strength == 0:
        return images
    theta = _matrices(len(images), strength, generator).to(images)
    return warped(images, theta)


def warped(images: Tensor, theta: Tensor) -> Tensor:
    """Show each image, float (n, c, h, w), through an affine map of its own, (n, 2, 3)."""
    grid = functional.affine_grid(theta, list(images.shape), align_corners=False)
    shown = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return channels_last(shown)


def channels_last(images: Tensor) -> Tensor:
    """Return images, float (n, c, h, w), in the layout in which convolutions are fastest."""
    # Of one channel torch calls any layout channels-last, but convolves half as fast where the
    # strides say otherwise (measured: 65 against 31 ms for a batch of 256).
    n, channels, height, width = images.shape
    flat = images.permute(0, 2, 3, 1).flatten()
    return flat.view(n, height, width, channels).permute(0, 3, 1, 2)


def _matrices(n: int, strength: float, generator: torch.Generator) -> Tensor:
    own = strength * torch.rand(n, generator=generator)

    def amount(most: float) -> Tensor:
        return own * most * (2 * torch.rand(n, generator=generator) - 1)

    angle, shear = amount(ROTATION) * torch.pi / 180, amount(SHEAR)
    wide, high = 1 + amount(SCALE), 1 + amount(SCALE)
    right, down = 2 * amount(SHIFT), 2 * amount(SHIFT)  # the grid goes from -1 to 1
    cos, sin = angle.cos(), angle.sin()
    rows = [cos * wide, shear * cos - sin * high, right, sin * wide, cos * high + shear * sin, down]
    return torch.stack(rows, dim=1).reshape(n, 2, 3)
