"""What the page and the text say of the decisions, whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from report_pages import read_page
from report_runs import build_run

from pictree.report.effort import effort_view, in_words


def work(decisions: int, accuracy: float, random: float) -> dict[str, Any]:
    return {"decisions": decisions, "accuracy": accuracy, "random": random, "deviation": 0.021}


def effort() -> dict[str, Any]:
    down, naming = work(27, 0.9501, 0.524), work(85, 0.9501, 0.707)
    return {
        "images": 70_000,
        "k": 9,
        "leaves": 185,
        "best": 0.9566,
        "targets": [
            {"target": 0.9, "going_down": work(13, 0.9131, 0.4145), "naming": work(12, 0.91, 0.4)},
            {"target": 0.95, "going_down": down, "naming": naming},
            {"target": 0.98, "going_down": None, "naming": None},
        ],
        "budget": {
            "target": None,
            "going_down": work(31, 0.9514, 0.55),
            "naming": work(50, 0.9467, 0.6488),
        },
        "seeds": 5,
        "sample": 10_000,
    }


def test_the_highest_target_reached_is_told() -> None:
    assert in_words(effort()) == (
        "27 decisions label the pile at 95.0 % (the same number of labels on random pictures: "
        "52.4 %)"
    )


def test_without_a_target_reached_the_budget_is_told() -> None:
    found = effort()
    found["targets"] = found["targets"][2:]
    assert in_words(found) == (
        "31 decisions label the pile at 95.1 % (the same number of labels on random pictures: "
        "55.0 %)"
    )
    found["budget"]["going_down"] = work(1, 0.3, 0.3)
    assert in_words(found) == (
        "1 decision labels the pile at 30.0 % (the same number of labels on random pictures: "
        "30.0 %)"
    )


@pytest.mark.parametrize("metrics", [{}, {"effort": None}])
def test_no_figures_no_table(metrics: dict[str, Any]) -> None:
    assert effort_view(metrics) is None


def test_the_page_says_all(tmp_path: Path, small_digits) -> None:
    pixels, known = small_digits
    run = build_run(tmp_path / "run", pixels[:60], known[:60], k=4, metrics={"effort": effort()})
    text = read_page(run).text
    start, end = text.index("What does the tree save?"), text.index("How the decisions are counted")
    assert text[start:end] == (
        "What does the tree save? "
        "27 decisions label the pile at 95.0 % (the same number of labels on random pictures: "
        "52.4 %). "
        "Asked for Going down As many random labels Naming one cut As many random labels "
        "90 % right 13 decisions: 91.3 % 41.4 ± 2.1 % 12 decisions: 91.0 % 40.0 ± 2.1 % "
        "95 % right 27 decisions: 95.0 % 52.4 ± 2.1 % 85 decisions: 95.0 % 70.7 ± 2.1 % "
        "98 % right out of reach – out of reach – "
        "50 decisions 31 decisions: 95.1 % 55.0 ± 2.1 % 50 decisions: 94.7 % 64.9 ± 2.1 % "
        "With every leaf of the tree named (185 decisions), 95.7 % are right: this tree can give "
        "no more. "
        "Random labels: mean ± standard deviation of 5 draws, each measured on 10,000 pictures. "
    )


def test_a_run_without_a_tree_has_no_such_part(page) -> None:
    assert "What does the tree save?" not in page.text
