"""What a picture shows before anything is learned: contours and their directions, and tones."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

DIRECTIONS = 8
CELLS = 8
"""Along the longer side; contours are pooled over each."""

TONES = 4
"""Cells along each side over which brightness, or colour, is averaged."""

FINEST = 32
"""Pixels of the longer side, about, at which contours are looked at: larger pictures are halved,
thirded and so on. Finer than that is texture and noise."""

FAINT = 1 / 255
"""Mean contrast, in [0, 1], below which contours are no stronger for being the only ones."""


class Contours(nn.Module):
    """Pictures to what is fixed about them: nothing here is trained.

    For each of eight directions, how strongly the brightness rises that way: the derivative,
    times the eighth power of the cosine between both (45° beside it a sixteenth is left),
    pooled over the cells of a grid by a Gaussian, relative to all of the picture's contours,
    and its square root, which keeps strong contours from outweighing all others. After
    histograms of oriented gradients (Dalal & Triggs 2005); the root: Arandjelović & Zisserman
    2012. Two pictures of one thing whose lines lie a pixel apart have other pixels, but nearly
    the same contours. The tones stand beside them, since kinds may differ by colour alone.

    Parameters
    ----------
    image_shape : (int, int, int)
        Height, width, channels.

    Attributes
    ----------
    size : int
        How many numbers a picture gives.
    contours : int
        How many of these, the first, are contours; the others are tones.
    """

    rows: Tensor
    columns: Tensor
    tone_rows: Tensor
    tone_columns: Tensor

    def __init__(self, image_shape: tuple[int, int, int]) -> None:
        super().__init__()
        height, width, channels = image_shape
        self.shrink = max(1, round(max(height, width) / FINEST))
        sides = [math.ceil(side / self.shrink) for side in (height, width)]
        cells = [max(1, round(CELLS * side / max(sides))) for side in sides]
        matrices = {
            "rows": _pooling(sides[0], cells[0]),
            "columns": _pooling(sides[1], cells[1]),
            "tone_rows": _pooling(sides[0], TONES),
            "tone_columns": _pooling(sides[1], TONES),
        }
        for name, matrix in matrices.items():
            self.register_buffer(name, matrix, persistent=False)
        self.contours = len(self.rows) * len(self.columns) * DIRECTIONS
        self.size = self.contours + len(self.tone_rows) * len(self.tone_columns) * channels

    def forward(self, x: Tensor) -> Tensor:
        """Float (n, c, h, w) in [0, 1] to float (n, size)."""
        if self.shrink > 1:
            x = functional.avg_pool2d(x, self.shrink, ceil_mode=True)
        tones = self.tone_rows @ x @ self.tone_columns.T
        padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
        right = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
        down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
        towards = _by_direction(right, down)
        pooled = [self.rows @ strength @ self.columns.T for strength in towards]
        found = torch.stack(pooled, dim=1).flatten(1)
        strength = found.square().sum(dim=1, keepdim=True) + self.contours * FAINT**2
        return torch.cat([(found / strength.sqrt()).sqrt(), tones.flatten(1)], dim=1)


def _by_direction(right: Tensor, down: Tensor) -> list[Tensor]:
    """How strongly the brightness rises in each direction, summed over the channels."""
    length = (right.square() + down.square() + 1e-12).sqrt()
    across, along = right / length, down / length
    there, back = [], []
    for turn in range(DIRECTIONS // 2):
        angle = 2 * math.pi * turn / DIRECTIONS
        cosine = across * math.cos(angle) + along * math.sin(angle)
        both = cosine.square().square().square() * length
        there.append((both * (cosine > 0)).sum(dim=1))
        back.append(both.sum(dim=1) - there[-1])
    return there + back


def _pooling(side: int, cells: int) -> Tensor:
    """Weights (cells, side) of each pixel in each cell: a Gaussian half a cell wide."""
    cells = min(cells, side)
    middles = (torch.arange(cells) + 0.5) * side / cells - 0.5
    distance = (torch.arange(side)[None] - middles[:, None]) * cells / side
    weights = torch.exp(-2 * distance.square())
    return weights / weights.sum(dim=1, keepdim=True)
