"""What the template shows of cards, maps and reconstructions: texts and pictures."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from pictree.report.cards import MOST_CARDS, Card
from pictree.report.charts import map_dots
from pictree.report.figures import MAP_NAMES, thirds
from pictree.report.gather import Findings
from pictree.report.palette import GREY, MOST_NAMED, Groups
from pictree.report.sheets import Picture, data_uri, drawing_uri, tile
from pictree.report.words import count, counted, figure, percent, shown

_MAP_WIDTH = 560
_BAR_PARTS = 8
_ABOUT_MAPS = {
    "pca": "PCA shows the two directions in which the codes differ most. "
    "Images that lie together here may still differ in other directions.",
    "tsne": "t-SNE keeps near images near. Groups mean something; the distance between "
    "groups and their size do not.",
    "umap": "UMAP keeps near images near, and more of the whole than t-SNE. "
    "Distances between groups are a hint at most.",
}


@dataclass(frozen=True)
class CardView:
    """One cluster as the page shows it.

    Attributes
    ----------
    number : int
        Of the cluster; -1 for noise.
    anchor, title, size, facts : str
        ``cluster-3``, ``Cluster 3``, ``1,200 images, 12 %``, a sentence.
    neighbour : int or None
    face : Picture or None
        The image nearest to the centre.
    centre : Picture or None
        The decoded centre.
    strips : list of (str, list of Picture)
    mostly, holds : str
        ``94 % are 4`` and ``22 are 4, 14 are 9``; empty without known labels.
    bar : list of (float, float, str)
        Start and width in per cent, and colour.
    """

    number: int
    anchor: str
    title: str
    size: str
    facts: str
    neighbour: int | None
    face: Picture | None
    centre: Picture | None
    strips: list[tuple[str, list[Picture]]]
    mostly: str
    holds: str
    bar: list[tuple[float, float, str]]


def card_views(found: Findings, cards: list[Card], known: Groups | None) -> list[CardView]:
    """Return the clusters as the page shows them; those past the hundredth have no strips."""
    held = {c["cluster"]: c for c in found.metrics.get("contents") or []}
    colours = dict(zip(known.names, known.colours, strict=False)) if known else {}
    return [
        _card(found, card, held.get(card.cluster), colours, place < MOST_CARDS or card.cluster < 0)
        for place, card in enumerate(cards)
    ]


def _card(
    found: Findings,
    card: Card,
    held: dict[str, Any] | None,
    colours: dict[str, str],
    is_whole: bool,
) -> CardView:
    noise = card.cluster < 0
    first = card.typical if noise else card.nearest
    centre = None
    if is_whole and not noise and found.centres is not None and card.cluster < len(found.centres):
        pixels = found.centres[card.cluster]
        centre = tile(pixels, f"Decoded centre of cluster {card.cluster}")
    copies = f" Beside them there are {counted(card.copies, 'duplicate')}." if card.copies else ""
    added = int((found.is_added & (found.labels == card.cluster)).sum())
    since = f" {counted(added, 'image')} joined after the fit." if added else ""
    return CardView(
        number=card.cluster,
        anchor="cluster-noise" if noise else f"cluster-{card.cluster}",
        title="Noise" if noise else f"Cluster {card.cluster}",
        size=f"{counted(card.size, 'image')}, {percent(card.size, len(found.labels))}",
        facts=("Images that the method put into no cluster." if noise else "") + copies + since,
        neighbour=card.neighbour,
        face=_tile(found, first[0]) if len(first) else None,
        centre=centre,
        strips=_strips(found, card) if is_whole else [],
        mostly=_mostly(held),
        holds=shown(held["in_words"]) if held else "",
        bar=_bar(held, colours) if held else [],
    )


def _strips(found: Findings, card: Card) -> list[tuple[str, list[Picture]]]:
    whole = len(card.nearest) == card.size
    parts = [
        (
            "All, the nearest to the centre first" if whole else "Nearest to the centre",
            card.nearest,
        ),
        ("Some of them" if card.cluster < 0 else "Typical", card.typical),
        ("At the border" if card.neighbour is not None else "Farthest", card.border),
    ]
    return [(name, [_tile(found, row) for row in rows]) for name, rows in parts if len(rows)]


def _tile(found: Findings, row: int) -> Picture:
    return tile(found.pixels[int(row)], shown(found.path(row)))


def _mostly(held: dict[str, Any] | None) -> str:
    if not held or not held["counts"]:
        return ""
    label, n = held["counts"][0]
    return f"{percent(n, held['size'])} {'is' if n == 1 else 'are'} {shown(label)}"


def _bar(held: dict[str, Any], colours: dict[str, str]) -> list[tuple[float, float, str]]:
    parts, start = [], 0.0
    for label, n in held["counts"][:_BAR_PARTS]:
        width = 100 * n / held["size"]
        parts.append((round(start, 2), round(width, 2), colours.get(label, GREY)))
        start += width
    return [*parts, (round(start, 2), round(100 - start, 2), GREY)] if start < 99.99 else parts


@dataclass(frozen=True)
class MapView:
    """One method's maps.

    Attributes
    ----------
    method, name, about : str
    dots : list of (str, Picture, list of (str, str))
        What the map is coloured by, the map, and its legend: names and colours.
    mosaic : Picture
    drawn : str
        How many images the mosaic shows.
    """

    method: str
    name: str
    about: str
    dots: list[tuple[str, Picture, list[tuple[str, str]]]]
    mosaic: Picture
    drawn: str


def map_views(
    found: Findings, colourings: dict[str, Groups], mosaics: dict[str, tuple[Image.Image, int]]
) -> list[MapView]:
    """Return the maps as the page shows them."""
    views = []
    for method, points in found.maps.items():
        name = MAP_NAMES[method]
        dots = []
        for kind, groups in colourings.items():
            by = "cluster" if kind == "clusters" else "known label"
            n = len(groups.names)
            many = f" (the first {MOST_NAMED} of {count(n)} are named; colours repeat)"
            caption = f"By {by}{many if n > MOST_NAMED else ''}"
            dots.append((caption, _dots(points, groups, f"{name} map by {by}"), groups.legend))
        image, drawn = mosaics[method]
        alt = f"{name} map made of {counted(drawn, 'picture')}, framed in their cluster's colour"
        uri = data_uri(image, quality=70)
        mosaic = Picture(uri, image.width, image.height, alt)
        views.append(MapView(method, name, _ABOUT_MAPS[method], dots, mosaic, count(drawn)))
    return views


def _dots(points: np.ndarray, groups: Groups, alt: str) -> Picture:
    image = Image.open(io.BytesIO(map_dots(points, groups)))
    height = round(_MAP_WIDTH * image.height / image.width)
    return Picture(drawing_uri(image), _MAP_WIDTH, height, alt)


def restored_views(found: Findings) -> list[tuple[str, list[tuple[Picture, Picture, str]]]]:
    """Return each group's name, and original, reconstruction and error of its images."""
    kept = found.reconstructions
    if kept is None:
        return []
    views = []
    for name, at in thirds(found):
        rows, errors = kept["rows"][at], kept["errors"][at]
        pairs = [
            (_tile(found, row), tile(image, "its reconstruction"), figure(float(error), 4))
            for row, image, error in zip(rows, kept["reconstructions"][at], errors, strict=True)
        ]
        views.append((name, pairs))
    return [view for view in views if view[1]]
