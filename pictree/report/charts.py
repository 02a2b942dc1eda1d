"""Loss curves and maps, drawn with matplotlib."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from pictree.report.palette import MOST_NAMED, Groups

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DOTS = 50_000
"""Of more images a map shows this many, drawn at random: more would only cover each other."""
_MARGIN = 0.02  # free margin around a map, as a share of its width


def loss_chart(log: Sequence[dict[str, Any]]) -> bytes:
    """Return training and validation loss by epoch as PNG, for a paper."""
    from matplotlib.ticker import MaxNLocator

    figure, axes = _figure(6.4, 4.0)
    epochs = [row["epoch"] for row in log]
    axes.plot(epochs, [row["loss"] for row in log], "-o", color="#3f90da", label="training")
    checked = [(r["epoch"], r["validation_loss"]) for r in log if r.get("validation_loss")]
    if checked:
        axes.plot(*zip(*checked, strict=True), "--s", color="#bd1f01", label="validation")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    return _png(figure, dpi=200)


def map_chart(points: np.ndarray, groups: Groups, title: str) -> bytes:
    """Return a map with its legend on white as PNG, for a paper."""
    figure, axes = _figure(8.6, 7.0)
    _scatter(axes, points, groups, shape=1.0, high=490, fontsize=13)
    axes.set_title(title, loc="left", parse_math=False)
    _legend(axes, groups)
    return _png(figure, dpi=160)


def map_dots(points: np.ndarray, groups: Groups, *, pixels: int = 1120) -> bytes:
    """Return a map alone, without a ground, as PNG: for light and dark pages.

    It is ``pixels`` wide, and as high as the points need, within limits.
    """
    wide, high = np.maximum(np.ptp(points, axis=0), 1e-6)
    shape = float(np.clip(high / wide, 0.4, 1.05))
    figure, axes = _figure(pixels / 100, pixels * shape / 100)
    axes.set_position((0, 0, 1, 1))
    _scatter(axes, points, groups, shape=shape, high=pixels * shape, fontsize=22)
    return _png(figure, dpi=100, transparent=True)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout=None)
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def _png(figure: Figure, *, dpi: int, transparent: bool = False) -> bytes:
    buffer = io.BytesIO()
    fit: dict[str, Any] = {} if transparent else {"bbox_inches": "tight"}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing", category=UserWarning)
        figure.savefig(
            buffer,
            format="png",
            dpi=dpi,
            transparent=transparent,
            metadata={"Software": None},
            **fit,
        )
    return buffer.getvalue()


def _scatter(
    axes: Axes, points: np.ndarray, groups: Groups, *, shape: float, high: float, fontsize: float
) -> None:
    """Draw the points in a shuffled order, so that no group covers another by its number.

    ``shape`` is the drawing's height over its width, ``high`` the height in points that the
    dots and names are meant for.
    """
    order = np.random.default_rng(0).permutation(len(points))[:MOST_DOTS]
    of_image = groups.of_image[order]
    points, colours = points[order], np.array(groups.colours)[of_image]
    side = float(np.clip(0.6 * high / np.sqrt(len(points)), 1.2, high / 50))
    axes.scatter(points[:, 0], points[:, 1], s=side**2, c=colours, alpha=0.75, linewidths=0)
    middle = (points.max(0) + points.min(0)) / 2
    half = np.maximum(np.ptp(points, axis=0), 1e-6) * (0.5 + _MARGIN)
    across = max(half[0], half[1] / shape)
    axes.set_xlim(middle[0] - across, middle[0] + across)
    axes.set_ylim(middle[1] - across * shape, middle[1] + across * shape)
    axes.set_aspect("equal")
    axes.set_axis_off()
    if len(groups.names) <= MOST_NAMED:
        _write_names(axes, points, of_image, groups.names, fontsize)


def _write_names(
    axes: Axes, points: np.ndarray, of_image: np.ndarray, names: list[str], fontsize: float
) -> None:
    """Write each group's name where the group is densest."""
    from matplotlib.patheffects import withStroke

    for group, name in enumerate(names):
        own = points[of_image == group]
        if len(own) == 0 or len(name) > 16:
            continue
        at = densest(own, points)
        text = axes.text(float(at[0]), float(at[1]), name, fontsize=fontsize, weight="bold")
        text.set(color="#101418", ha="center", va="center", parse_math=False)
        text.set_path_effects([withStroke(linewidth=fontsize / 4, foreground="white")])


def densest(own: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return the middle of the fullest part of a map, (2,), for the points ``own`` (m, 2).

    The map of all ``points`` is cut into 24 × 24 cells; a cell counts with those around it.
    """
    low, span = points.min(0), np.maximum(np.ptp(points, axis=0), 1e-6)
    cells = np.minimum((own - low) / span * 24, 23).astype(int)
    counts = np.zeros((26, 26))
    np.add.at(counts, tuple(cells.T + 1), 1)
    around = sliding_window_view(counts, (3, 3)).sum((2, 3))
    fullest = around[tuple(cells.T)].argmax()
    near = (abs(cells - cells[fullest]) <= 1).all(1)
    return np.median(own[near], axis=0)


def _legend(axes: Axes, groups: Groups) -> None:
    from matplotlib.lines import Line2D

    entries = groups.legend
    dots = [Line2D([], [], marker="o", ls="", color=colour) for _, colour in entries]
    legend = axes.legend(
        dots, ["x"] * len(dots), loc="center left", bbox_to_anchor=(1, 0.5),
        frameon=False, ncols=1 + (len(dots) - 1) // 20,
    )  # fmt: skip
    # Set afterwards: matplotlib drops labels that start with "_" and reads "$" as formulas.
    for text, (name, _) in zip(legend.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(name[:30])
