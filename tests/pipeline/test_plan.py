"""A plan: measured on a sample, then arithmetic that can be done by hand."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pictree.pipeline.plan import Measured, _pieces, on_paper, plan, plan_text
from pictree.recipes.recipe import load_recipe
from tests.pipeline.conftest import command, command_json

MEASURED = Measured(2_048, 0.5, 1_000.0, 4_000.0, 2, 784, 204)


def test_hours_bytes_and_cost_by_hand() -> None:
    found = on_paper(720_000_000, MEASURED, nodes=10, price=0.5)
    # 10 machines × 2 cores, each 500 images read and 2,000 encoded a second; half are usable.
    assert found["shards"] == 10_987
    assert found["cores_busy"] == 20
    assert found["hours"] == {"reading": 20.0, "codes": 2.5}
    assert found["cost"] == 22.5 * 10 * 0.5
    assert found["run_bytes"] == 360_000_000 * (784 + 204 + 46)


def test_no_more_cores_are_busy_than_there_are_shards() -> None:
    found = on_paper(100_000, MEASURED, nodes=10, price=1.0)
    assert (found["shards"], found["cores_busy"]) == (2, 2)
    assert found["hours"]["reading"] == pytest.approx(100 / 3600)
    assert found["cost"] == pytest.approx((100 + 12.5) / 3600 * 10)


def test_the_sample_is_spread_over_the_pile() -> None:
    assert _pieces(5) == [range(5)]
    pieces = _pieces(1_000_000)
    assert sum(map(len, pieces)) == 2_048
    assert pieces[0].start == 0
    assert pieces[-1].stop == 1_000_000
    assert all(a.stop <= b.start for a, b in pairwise(pieces))


def test_a_plan_of_real_pictures(digits_idx: tuple) -> None:
    found = command_json("plan", digits_idx[0], "--nodes", 4, "--recipe", "quick")
    measured = found["measured"]
    assert (found["images"], found["engine"], found["nodes"]) == (10_000, "ray", 4)
    assert (measured["sample"], measured["used"]) == (2_048, 1.0)
    assert (measured["pixel_bytes"], measured["code_bytes"]) == (784, 4 * 50 + 4)
    assert measured["read_per_second"] > 0
    assert measured["code_per_second"] > 0
    assert found["shards"] == found["cores_busy"] == 1
    assert found["cost"] == pytest.approx(sum(found["hours"].values()) * 4 * 1.0)
    text = plan_text(found)
    assert text.startswith("10,000 files, 1 shards; 2,048 looked at, 100.0% usable\n")
    assert "learning, clustering and the report are done by one machine" in text


def test_a_plan_writes_nothing(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.random.default_rng(0).integers(0, 255, (40, 8, 8), np.uint8))
    plan(tmp_path / "x.npy", recipe=load_recipe("quick"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.npy"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ["--nodes", 2, "--engine", "processes"],
            "--nodes must be at least 1, and 1 for an engine of one machine; got 2 with --engine "
            "processes. Pass --engine ray for several.",
        ),
        (
            ["--engine", "x"],
            "--engine must be one of local, processes, ray; got x. Choose one of these.",
        ),
        (
            ["--price", "-1"],
            "--price must be an amount of money for a machine and an hour; got -1.0. Pass 0 or "
            "more.",
        ),
    ],
)
def test_what_no_plan_can_be_made_of(words: list, said: str, digits_idx: tuple) -> None:
    done = command("plan", digits_idx[0], *words)
    assert (done.returncode, done.stderr) == (2, f"pictree: {said}\n")
