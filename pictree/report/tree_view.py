"""The top of the tree as the page draws it: branches with pictures, and the clusters' names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pictree.report.gather import Findings
from pictree.report.palette import colours
from pictree.report.sheets import Picture, tile
from pictree.report.tree_examples import examples, members
from pictree.report.tree_layout import BAND, Spot, Top, kept, top_of
from pictree.report.words import count, counted, percent, short, shown

MARGIN = 6
"""Free ground around the drawing."""
_AT_TIP = 6  # pictures
_TIP, _NODE = 36.0, 28.0  # sides of the pictures
_GAP = 3.0
_BEFORE = 5.0  # between a line and what stands right of it
_SIZES, _NAMES = 92.0, 160.0  # room for "10,000 images", for "1, 12, 123, 124 …"
_FIGURE = 6.3  # width of a figure
_NAMED = 4  # clusters of a tip that are named


@dataclass(frozen=True)
class Example:
    """One image of the drawing: its row among the used ones, its picture and place.

    x and y are those of the upper left corner, the picture has the size; ``coarse`` tells that
    each of its own pixels fills several.
    """

    row: int
    x: float
    y: float
    picture: Picture
    coarse: bool


@dataclass(frozen=True)
class Branch:
    """One node of the tree: lines, pictures, figures.

    Attributes
    ----------
    node : int
        Its number in the tree.
    title : str
        What it is, in words.
    colour : str
        Its cluster's; empty above the cut.
    begins, x, y : float
        Its line from the left goes from (begins, y) to (x, y).
    joins : (float, float) or None
        Ends of the upright line at x that joins two nodes; None for a tip.
    examples : list of Example
    figures : str
        Size and loss, as far as there is room.
    figures_at : (float, float)
        Where they begin, on the letters' base line.
    """

    node: int
    title: str
    colour: str
    begins: float
    x: float
    y: float
    joins: tuple[float, float] | None
    examples: list[Example]
    figures: str
    figures_at: tuple[float, float]


@dataclass(frozen=True)
class Tag:
    """What stands right of some tips: a bar in a cluster's colour and its name.

    Attributes
    ----------
    colour : str
        Empty for a tip that holds several clusters.
    x, upper, lower : float
        Of the bar.
    clusters : list of int
        One, or the first four of several.
    name : str
        ``Cluster 3``, or ``7 clusters``.
    below : str
        Its size where it has several tips; ``…`` where there are more clusters than named.
    """

    colour: str
    x: float
    upper: float
    lower: float
    clusters: list[int]
    name: str
    below: str


@dataclass(frozen=True)
class TreeView:
    """The drawing, in CSS pixels from (-`MARGIN`, 0), and what it shows in words.

    ``kept`` says what the cut keeps, ``bars`` where the clusters' bars stand, and ``half`` how far
    these reach above and below a tip.
    """

    about: str
    kept: str
    width: int
    height: int
    branches: list[Branch]
    tags: list[Tag]
    bars: float
    half: float = _TIP / 2
    margin: int = MARGIN


def tree_view(found: Findings) -> TreeView | None:
    """Return the top of the tree; None where there is no tree, or it is a single leaf."""
    if found.tree is None or found.tree.n_leaves < 2:
        return None
    top = top_of(found.tree, found.k)
    palette, rows = [*colours(found.k), ""], members(top)
    most = min(_AT_TIP, max(len(rows[tip.node]) for tip in top.tips))
    branches = [
        _branch(top, spot, palette, _pictures(found, spot, found.tree_rows[rows[node]], most), most)
        for node, spot in top.spots.items()
    ]
    bars = top.end + 2 * _BEFORE + most * (_TIP + _GAP) + _SIZES
    return TreeView(
        about=_about(top),
        kept=_kept(top),
        width=round(bars + _NAMES) + 2 * MARGIN,
        height=round(max(spot.y for spot in top.tips) + BAND) + MARGIN,
        branches=branches,
        tags=_tags(top, palette, bars),
        bars=bars,
    )


def _pictures(found: Findings, spot: Spot, rows: np.ndarray, at_tip: int) -> list[Example]:
    """Choose as many of the images ``rows`` as there is room for, and place them."""
    most, side, middle = at_tip, _TIP, spot.y
    if spot.children:
        most = int(np.clip((spot.room - _BEFORE) // (_NODE + _GAP), 1, 3))
        side, middle = _NODE, spot.y - BAND + _NODE / 2
    chosen = rows[examples(found.codes[rows].astype(np.float64), most)]
    return [
        _example(found, int(row), spot.x + _BEFORE + i * (side + _GAP), middle, side)
        for i, row in enumerate(chosen)
    ]


def _branch(
    top: Top, spot: Spot, palette: list[str], pictures: list[Example], at_tip: int
) -> Branch:
    joins = None
    figures = counted(int(top.tree.sizes[spot.node]), "image")
    at = (spot.x + 2 * _BEFORE + at_tip * (_TIP + _GAP), spot.y + 4)
    if spot.children:
        joins = (top.spots[spot.children[0]].y, top.spots[spot.children[1]].y)
        figures, at = _figures(top, spot), (spot.x + _BEFORE, spot.y + BAND - 1)
    return Branch(
        node=spot.node,
        title=_title(top, spot),
        colour=palette[top.owner[spot.node]],
        begins=top.spots.get(spot.parent, spot).x,
        x=spot.x,
        y=spot.y,
        joins=joins,
        examples=pictures,
        figures=figures,
        figures_at=at,
    )


def _example(found: Findings, row: int, x: float, middle: float, side: float) -> Example:
    picture = tile(found.pixels[row], shown(found.path(row)))
    scale = side / max(picture.width, picture.height)
    width, height = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    placed = Picture(picture.uri, width, height, picture.alt)
    coarse = 2 * max(found.pixels.shape[1:3]) <= side
    return Example(row, round(x, 1), round(middle - height / 2, 1), placed, coarse)


def _loss(top: Top, node: int) -> tuple[float, str]:
    """Return what a node's merge loses: in nats, and of all that there is to lose."""
    loss, whole = float(top.tree.losses[node - top.tree.n_leaves]), float(top.tree.losses.sum())
    return loss, percent(loss, whole)


def _figures(top: Top, spot: Spot) -> str:
    size = int(top.tree.sizes[spot.node])
    both = f"{count(size)}, {_loss(top, spot.node)[1]}"
    fitting = (text for text in (both, count(size)) if len(text) * _FIGURE < spot.room - _BEFORE)
    return next(fitting, short(size))


def _title(top: Top, spot: Spot) -> str:
    cluster = top.owner[spot.node]
    whose = f"Cluster {cluster}: " if cluster >= 0 else ""
    size = counted(int(top.tree.sizes[spot.node]), "image")
    if not spot.children:
        return f"{whose}{size}"
    loss, share = _loss(top, spot.node)
    return f"{whose}{size}; merging the two parts loses {loss:.3f} nats, {share}"


def _tags(top: Top, palette: list[str], x: float) -> list[Tag]:
    """One for each cluster, and one for each tip that holds several."""
    groups: dict[tuple[int, int], list[Spot]] = {}
    for tip in top.tips:
        cluster = top.owner[tip.node]
        groups.setdefault((cluster, tip.node if cluster < 0 else -1), []).append(tip)
    return [_tag(top, palette, x, cluster, tips) for (cluster, _), tips in groups.items()]


def _tag(top: Top, palette: list[str], x: float, cluster: int, tips: list[Spot]) -> Tag:
    upper, lower = tips[0].y - _TIP / 2, tips[-1].y + _TIP / 2
    if cluster < 0:
        held = top.clusters_in(tips[0].node)
        more = " …" if len(held) > _NAMED else ""
        return Tag("", x, upper, lower, held[:_NAMED], f"{len(held)} clusters", more)
    images = counted(sum(int(top.tree.sizes[tip.node]) for tip in tips), "image")
    below = images if len(tips) > 1 else ""
    return Tag(palette[cluster], x, upper, lower, [cluster], f"Cluster {cluster}", below)


def _about(top: Top) -> str:
    tree, merges = top.tree, len(top.tips) - 1
    last = f"the last {merges} merges" if merges < len(tree.children) else "all merges"
    return (
        f"{counted(int(tree.sizes[-1]), 'image')} in {count(tree.n_leaves)} leaves, and {last} of "
        "these."
    )


def _kept(top: Top) -> str:
    share = percent(float(kept(top.tree)[top.k - 1]), 1)
    return (
        f"Cut into {counted(top.k, 'cluster')}, the tree keeps {share} of what its leaves tell "
        "about neighbours."
    )
