"""The top of the tree as a file, for a paper."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from pictree.images.batches import Stacked
from pictree.report.sheets import fitted, png, to_image
from pictree.report.tree_view import Branch, Example, Tag, TreeView

_SCALE = 2
_INK, _QUIET = "#16191d", "#565e68"


def tree_chart(view: TreeView, pixels: Stacked) -> bytes:
    """Return what the page shows of the tree as PNG on white, twice as large."""
    sheet = Image.new("RGB", (view.width * _SCALE, (view.height + view.margin) * _SCALE), "white")
    pen = _Pen(sheet, view.margin)
    for branch in view.branches:
        _lines(pen, branch)
    for branch in view.branches:
        for example in branch.examples:
            pen.picture(example, pixels)
        pen.text(branch.figures_at, branch.figures, 11, _QUIET)
    for tag in view.tags:
        _tag(pen, tag)
    return png(sheet)


class _Pen:
    """Draws in the view's units."""

    def __init__(self, sheet: Image.Image, margin: int) -> None:
        self.sheet, self.draw, self.margin = sheet, ImageDraw.Draw(sheet), margin

    def at(self, x: float, y: float) -> tuple[int, int]:
        return round((x + self.margin) * _SCALE), round((y + self.margin / 2) * _SCALE)

    def box(self, x: float, y: float, right: float, lower: float, colour: str) -> None:
        self.draw.rectangle([*self.at(x, y), *self.at(right, lower)], fill=colour)

    def text(self, at: tuple[float, float], text: str, size: int, colour: str) -> None:
        font = ImageFont.load_default(size * _SCALE)
        plain = text.replace("\u00a0", " ")  # the font lacks the space that never breaks
        self.draw.text(self.at(*at), plain, fill=colour, font=font, anchor="ls")

    def picture(self, example: Example, pixels: Stacked) -> None:
        size = example.picture.width * _SCALE, example.picture.height * _SCALE
        image = fitted(to_image(pixels[example.row]), max(size)).resize(size)
        self.sheet.paste(image, self.at(example.x, example.y))


def _lines(pen: _Pen, branch: Branch) -> None:
    colour = branch.colour or _QUIET
    pen.box(branch.begins - 1, branch.y - 1, branch.x + 1, branch.y + 1, colour)
    if branch.joins:
        upper, lower = branch.joins
        pen.box(branch.x - 1, upper - 1, branch.x + 1, lower + 1, colour)


def _tag(pen: _Pen, tag: Tag) -> None:
    middle = (tag.upper + tag.lower) / 2
    pen.box(tag.x, tag.upper, tag.x + 5, tag.lower, tag.colour or _QUIET)
    below = tag.below
    if len(tag.clusters) > 1:
        below = ", ".join(map(str, tag.clusters)) + tag.below
    pen.text((tag.x + 14, middle + (-3 if below else 5)), tag.name, 14, _INK)
    pen.text((tag.x + 14, middle + 13), below, 11, _QUIET)
