"""The files in pictures/: what a person would put into a paper."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from pictree.files import write_bytes
from pictree.report.cards import MOST_CARDS, Card
from pictree.report.charts import loss_chart, map_chart
from pictree.report.gather import Findings
from pictree.report.losses import loss_rows
from pictree.report.palette import Groups
from pictree.report.sheets import cluster_sheet, pair_sheet, png
from pictree.report.tree_chart import tree_chart
from pictree.report.tree_view import TreeView
from pictree.report.words import counted

MAP_NAMES = {"pca": "PCA", "tsne": "t-SNE", "umap": "UMAP"}
RECONSTRUCTED = ("Best restored", "In the middle", "Worst restored")


def draw_absent(
    folder: Path,
    found: Findings,
    cards: list[Card],
    colourings: dict[str, Groups],
    mosaics: dict[str, Image.Image],
    tree: TreeView | None,
) -> None:
    """Draw the pictures that ``folder`` lacks.

    Parameters
    ----------
    folder : Path
        The run's pictures/.
    found : Findings
    cards : list of Card
        The first hundred, and noise, get a sheet.
    colourings : dict of Groups
        By ``clusters`` and, where there are any, ``known`` labels.
    mosaics : dict of images
        The maps made of pictures, by method.
    tree : TreeView, optional
    """
    for method, points in found.maps.items():
        for name, groups in colourings.items():
            title = f"{MAP_NAMES[method]} of {counted(len(points), 'image')}"
            _draw(folder / f"map-{method}-{name}.png", map_chart, points, groups, title)
        _draw(folder / f"map-{method}-thumbnails.png", _on_white, mosaics[method])
    if tree is not None:
        _draw(folder / "tree.png", tree_chart, tree, found.pixels)
    if len(loss_rows(found)) > 1:  # one point is no curve
        _draw(folder / "loss.png", loss_chart, loss_rows(found))
    if found.reconstructions is not None:
        _draw(folder / "reconstructions.png", _restored, found)
    for place, card in enumerate(cards):
        if card.size and (place < MOST_CARDS or card.cluster < 0):
            _draw(folder / f"{sheet_name(card.cluster)}.png", _sheet, found, card)


def sheet_name(cluster: int) -> str:
    """Return ``cluster-003``, or ``cluster-noise`` for -1."""
    return "cluster-noise" if cluster < 0 else f"cluster-{cluster:03d}"


def _draw(file: Path, make: Callable[..., bytes], *args: object) -> None:
    if not file.exists():
        write_bytes(file, make(*args))


def _on_white(image: Image.Image) -> bytes:
    ground = Image.new("RGBA", image.size, "white")
    return png(Image.alpha_composite(ground, image).convert("RGB"))


def thirds(found: Findings) -> list[tuple[str, slice]]:
    """Return a caption and the places of each group of the kept reconstructions."""
    kept = found.reconstructions or {"rows": np.empty(0, int)}
    each = len(kept["rows"]) // 3
    return [(name, slice(i * each, (i + 1) * each)) for i, name in enumerate(RECONSTRUCTED)]


def _restored(found: Findings) -> bytes:
    kept = found.reconstructions or {}
    rows, restored = kept["rows"], kept["reconstructions"]
    parts = [
        (f"{name}: originals above, reconstructions below", found.pixels[rows[at]], restored[at])
        for name, at in thirds(found)
    ]
    return png(pair_sheet([part for part in parts if len(part[1])]))


def _sheet(found: Findings, card: Card) -> bytes:
    pixels = found.pixels
    if card.cluster < 0:
        rows = [("some of its images", pixels[card.typical])]
        return png(cluster_sheet(f"Noise, {counted(card.size, 'image')}", rows))
    rows = [
        ("nearest to the centre", pixels[card.nearest]),
        ("typical", pixels[card.typical]),
        ("at the border to another cluster", pixels[card.border]),
    ]
    if found.centres is not None and card.cluster < len(found.centres):
        rows.append(("the centre, decoded", found.centres[card.cluster][None]))
    return png(cluster_sheet(f"Cluster {card.cluster}, {counted(card.size, 'image')}", rows))
