"""The loss curves as the page draws them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pictree.report.gather import Findings
from pictree.report.words import counted, figure


@dataclass(frozen=True)
class LossView:
    """The loss curves as points of a drawing 400 × 220 units large.

    Attributes
    ----------
    curves : list of (str, str, list of (float, float))
        Name, class and points.
    lines : list of (float, str)
        Height and text of the horizontal lines.
    epochs : list of (float, str)
        Place and text of the marks below.
    last : str
        The last epoch's losses in words.
    """

    curves: list[tuple[str, str, list[tuple[float, float]]]]
    lines: list[tuple[float, str]]
    epochs: list[tuple[float, str]]
    last: str


def loss_view(found: Findings) -> LossView | None:
    """Return the loss curves, or None where nothing was trained."""
    rows = loss_rows(found)
    if not rows:
        return None
    kinds = [("training", "loss"), ("validation", "validation_loss")]
    series = {n: [(r["epoch"], r[k]) for r in rows if _is_number(r.get(k))] for n, k in kinds}
    values = [value for points in series.values() for _, value in points]
    low, high = min(values), max(values)
    first, last = rows[0]["epoch"], rows[-1]["epoch"]

    def x(epoch: float) -> float:
        return round(52 + 336 * (epoch - first) / max(last - first, 1), 1)

    def y(value: float) -> float:
        return round(186 - 170 * (value - low) / ((high - low) or 1), 1)

    curves = [(n, n, [(x(e), y(v)) for e, v in points]) for n, points in series.items() if points]
    marks = sorted({first + round((last - first) * i / 4) for i in range(5)})
    said = ", ".join(
        f"{name} {figure(points[-1][1], 4)}" for name, points in series.items() if points
    )
    return LossView(
        curves,
        [(y(value), text) for value, text in _round_between(low, high)],
        [(x(epoch), str(epoch)) for epoch in marks],
        f"After {counted(last, 'epoch')}: {said}.",
    )


def loss_rows(found: Findings) -> list[dict[str, Any]]:
    """Return the epochs whose loss is a number."""
    return [row for row in found.log if math.isfinite(row.get("loss", math.nan))]


def _is_number(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _round_between(low: float, high: float) -> list[tuple[float, str]]:
    """Return round numbers from ``low`` to ``high``, some four, with their texts."""
    if high <= low:
        return [(low, figure(low, 4))]
    power = math.floor(math.log10((high - low) / 3))
    step = next(s for m in (1, 2, 5, 10) if (s := m * 10.0**power) >= (high - low) / 4)
    places = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [
        (i * step, figure(i * step, max(0, -math.floor(math.log10(step) + 1e-9)))) for i in places
    ]
