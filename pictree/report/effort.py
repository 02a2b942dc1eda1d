"""How many decisions label the pile, in words and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pictree.report.words import count, counted


@dataclass(frozen=True)
class EffortView:
    """What the page says of the decisions.

    Attributes
    ----------
    headline : str
        One sentence.
    rows : list of (str, list of str)
        What was asked for, and four cells: decisions by going down, the same number of labels
        on random pictures, decisions by naming one cut, and again the labels.
    notes : list of str
        Sentences below the table.
    """

    headline: str
    rows: list[tuple[str, list[str]]]
    notes: list[str]


def in_words(effort: dict[str, Any]) -> str:
    """Say what going down saves, at the highest target that it reaches, else at the budget.

    Parameters
    ----------
    effort : dict
        The part ``effort`` of metrics.json; see `pictree.evaluation.effort.Effort`.

    Returns
    -------
    str
        Without a full stop.
    """
    reached = [row["going_down"] for row in effort["targets"] if row["going_down"]]
    work = reached[-1] if reached else effort["budget"]["going_down"]
    label = "labels" if work["decisions"] == 1 else "label"
    return (
        f"{counted(work['decisions'], 'decision')} {label} the pile at "
        f"{100 * work['accuracy']:.1f} % (the same number of labels on random pictures: "
        f"{100 * work['random']:.1f} %)"
    )


def effort_view(metrics: dict[str, Any]) -> EffortView | None:
    """Return what the page says, or None for a run without a tree or without known labels."""
    effort = metrics.get("effort")
    if not effort:
        return None
    rows = [(_percent(row["target"], 0) + "\u00a0right", _cells(row)) for row in effort["targets"]]
    most = max(effort["budget"][way]["decisions"] for way in ("going_down", "naming"))
    rows.append((f"{counted(most, 'decision')}".replace(" ", "\u00a0"), _cells(effort["budget"])))
    return EffortView(in_words(effort).replace(" %", "\u00a0%") + ".", rows, _notes(effort))


def _cells(row: dict[str, Any]) -> list[str]:
    found = []
    for work in (row["going_down"], row["naming"]):
        if work is None:
            found += ["out of reach", "–"]
            continue
        decided = f"{counted(work['decisions'], 'decision')}: {_percent(work['accuracy'])}"
        found += [decided, f"{100 * work['random']:.1f} ± {_percent(work['deviation'])}"]
    return found


def _notes(effort: dict[str, Any]) -> list[str]:
    drawn = f"{effort['seeds']} draws"
    if effort["images"] > effort["sample"]:
        drawn += f", each measured on {count(effort['sample'])} pictures"
    return [
        f"With every leaf of the tree named ({counted(effort['leaves'], 'decision')}), "
        f"{_percent(effort['best'])} are right: this tree can give no more.",
        f"Random labels: mean ± standard deviation of {drawn}.",
    ]


def _percent(share: float, digits: int = 1) -> str:
    return f"{100 * share:.{digits}f}\u00a0%"
