"""Random changes of the colours and the window of photographs, as another light and place give.

Chen et al. 2020 ("SimCLR") found crops and colours to matter most of all changes: without those of
colours, two crops of a picture know each other by their histograms alone.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from pictree.training.affine import channels_last, warped

LIGHT, HUE, GREY = 0.4, 0.1, 0.2
"""At strength 1: most change of brightness, contrast and saturation, as a share; most turn of the
hue, as a share of the circle; and how often a picture loses its colours."""

SHAPE = 4 / 3
"""Most that a window is wider than high, or higher than wide, beside the picture."""

_GREY = (0.299, 0.587, 0.114)
"""Red, green and blue in the brightness that people see (ITU-R BT.601)."""
_ORANGE, _PURPLE = (0.596, -0.274, -0.322), (0.211, -0.523, 0.312)
"""The two axes of colour beside it (NTSC's I and Q), whose plane is turned."""


def random_colours(images: Tensor, strength: float, generator: torch.Generator) -> Tensor:
    """Change brightness, contrast, saturation and hue of each image by amounts of its own.

    As in `pictree.training.affine.random_affine` each image draws its own strength first.

    Parameters
    ----------
    images : float (n, c, h, w)
        From 0 to 1. Grey ones, of one channel, stay as they are.
    strength : float
        At least 0; 0 changes nothing.
    generator : torch.Generator
        On the CPU; advanced by this call.

    Returns
    -------
    float (n, c, h, w)
        From 0 to 1.
    """
    if strength == 0 or images.shape[1] != 3:
        return images
    n = len(images)
    own = strength * torch.rand(n, generator=generator)

    def amount(most: float) -> Tensor:
        return (own * most * (2 * torch.rand(n, generator=generator) - 1)).to(images)

    brightness, contrast, saturation = (1 + amount(LIGHT) for _ in range(3))
    turn = amount(2 * math.pi * HUE)
    grey = (torch.rand(n, generator=generator) < GREY * min(strength, 1.0)).to(images)
    mixed = _mixing(saturation.clamp_min(0) * (1 - grey), turn)
    mixed = mixed * (brightness * contrast).clamp_min(0)[:, None, None]
    middle = torch.einsum("nchw,c->n", images, images.new_tensor(_GREY))
    middle = middle / (images.shape[2] * images.shape[3]) * brightness * (1 - contrast)
    changed = torch.einsum("ndc,nchw->ndhw", mixed, images) + middle[:, None, None, None]
    return channels_last(changed.clamp(0, 1))


def _mixing(saturation: Tensor, turn: Tensor) -> Tensor:
    """Return what red, green and blue become, (n, 3, 3): colours stretched, then turned."""
    axes = saturation.new_tensor([_GREY, _ORANGE, _PURPLE])
    cos, sin = saturation * turn.cos(), saturation * turn.sin()
    none, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = [one, none, none, none, cos, -sin, none, sin, cos]
    return torch.linalg.inv(axes) @ torch.stack(rows, dim=1).reshape(-1, 3, 3) @ axes


def random_crop(images: Tensor, least: float, generator: torch.Generator) -> Tensor:
    """Show a window of each image, somewhere in it, in the size of the image.

    Parameters
    ----------
    images : float (n, c, h, w)
    least : float
        Smallest share of the area that a window has, above 0 to 1; 1 shows all.
    generator : torch.Generator
        On the CPU; advanced by this call.

    Returns
    -------
    float (n, c, h, w)
        Each second one mirrored.
    """
    if least == 1:
        return images
    n = len(images)
    area, shape, right, down, side = torch.rand(5, n, generator=generator)
    area = least + (1 - least) * area
    shape = torch.exp(math.log(SHAPE) * (shape - 0.5))  # the root of what it is wider than high
    wide, high = (area.sqrt() * shape).clamp_max(1), (area.sqrt() / shape).clamp_max(1)
    mirrored = torch.where(side < 0.5, -1.0, 1.0)
    none = torch.zeros(n)
    rows = [wide * mirrored, none, (1 - wide) * (2 * right - 1)]
    rows += [none, high, (1 - high) * (2 * down - 1)]
    theta = torch.stack(rows, dim=1).reshape(n, 2, 3).to(images)
    return warped(images, theta)
