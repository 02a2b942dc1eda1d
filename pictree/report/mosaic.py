"""A map made of the pictures themselves: a grid on which no two overlap."""

from __future__ import annotations

import numpy as np
from PIL import Image

from pictree.images.batches import Stacked
from pictree.report.palette import Groups
from pictree.report.sheets import fitted, to_image

_WIDTH = 1216
_TILE = 32
_FRAME = 2


def mosaic(points: np.ndarray, pixels: Stacked, groups: Groups) -> tuple[Image.Image, int]:
    """Draw images where they lie on a map.

    Parameters
    ----------
    points : float array (n, 2)
    pixels : Stacked
        uint8 (n, h, w, c).
    groups : Groups
        Gives the colour of each picture's frame.

    Returns
    -------
    image : RGBA, transparent where no picture lies
    drawn : int
        How many images are on it: one for each cell of the grid that holds any.
    """
    tile = fitted(to_image(pixels[0]), _TILE - 2 * _FRAME)
    width, height = tile.width + 2 * _FRAME + 1, tile.height + 2 * _FRAME + 1
    columns, rows = _WIDTH // width, _rows(points, height)
    chosen = one_per_cell(points, columns, rows)
    canvas = Image.new("RGBA", (columns * width, rows * height), (0, 0, 0, 0))
    colours = groups.colours
    for row, column, line in chosen:
        at = column * width, line * height
        frame = Image.new("RGB", (width - 1, height - 1), colours[groups.of_image[row]])
        frame.paste(fitted(to_image(pixels[row]), _TILE - 2 * _FRAME), (_FRAME, _FRAME))
        canvas.paste(frame, at)
    return canvas, len(chosen)


def _rows(points: np.ndarray, height: int) -> int:
    """Lines of the grid: the map's own shape, but neither flat nor taller than wide."""
    span = np.ptp(points, axis=0)
    shape = span[1] / span[0] if span[0] > 0 else 1.0
    return max(1, int(_WIDTH * np.clip(shape, 0.4, 1.0)) // height)


def one_per_cell(points: np.ndarray, columns: int, rows: int) -> list[tuple[int, int, int]]:
    """Return (point, column, line) for each cell that holds points: the one nearest its middle.

    Lines count from above; the map's second axis points upwards.
    """
    span = np.ptp(points, axis=0)
    share = (points - points.min(0)) / np.where(span > 0, span, 1)
    share = np.where(span > 0, share, 0.5) * [1, -1] + [0, 1]
    place = share * [columns, rows]
    cell = np.minimum(place.astype(int), [columns - 1, rows - 1])
    off = ((place - cell - 0.5) ** 2).sum(1)
    number = cell[:, 1] * columns + cell[:, 0]
    order = np.lexsort((off, number))
    first = order[np.unique(number[order], return_index=True)[1]]
    return [(int(i), int(cell[i, 0]), int(cell[i, 1])) for i in first]
