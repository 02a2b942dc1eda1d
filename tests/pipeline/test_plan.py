"""A plan: measured on a sample, then arithmetic that can be done by hand."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pictree.device import choose_device
from pictree.networks.autoencoder import build
from pictree.pipeline.learn import architecture_of
from pictree.pipeline.learning_time import learning_seconds
from pictree.pipeline.plan import Measured, _pieces, on_paper, plan, plan_text
from pictree.recipes.recipe import change, load_recipe
from tests.pipeline.conftest import command, command_json

MEASURED = Measured(2_048, 0.5, 1_000.0, 4_000.0, 2, 784, 204, 3_600.0)


def test_hours_bytes_and_cost_by_hand() -> None:
    found = on_paper(655_360_000, MEASURED, engine="ray", nodes=10, price=0.5)
    # Each of 10 machines reads 1,000 shards of 65,536 files, 1,000 a second; each of its 2 cores
    # encodes 500 of them, 2,000 images a second; half of the files are usable.
    assert found["shards"] == 10_000
    assert found["cores_busy"] == 20
    assert found["hours"] == {
        "reading": 65_536_000 / 1_000 / 3_600,
        "codes": 500 * 32_768 / 2_000 / 3_600,
        "learning": 1.0,
    }
    assert found["cost"] == pytest.approx((65_536 + 8_192 + 3_600) / 3_600 * 10 * 0.5)
    assert found["run_bytes"] == 327_680_000 * (784 + 204 + 46)
    assert found["driver_bytes"] == 3 * 2**29 + 327_680_000 * 204


def test_few_shards_keep_few_machines_busy() -> None:
    unknown = replace(MEASURED, learning_seconds=None)
    found = on_paper(100_000, unknown, engine="ray", nodes=10, price=1.0)
    assert (found["shards"], found["cores_busy"]) == (2, 2)
    assert found["hours"]["reading"] == pytest.approx(65.536 / 3600)
    assert found["hours"]["codes"] == pytest.approx(16.384 / 3600)
    assert found["hours"]["learning"] is None
    assert found["cost"] == pytest.approx((65.536 + 16.384) / 3600 * 10)
    assert "for this recipe in neither hours nor cost" in found["assumptions"][3]


def test_one_process_uses_all_cores_for_one_shard() -> None:
    found = on_paper(60_000, MEASURED, engine="local", nodes=1, price=1.0)
    assert (found["shards"], found["cores_busy"]) == (1, 2)
    assert found["hours"]["reading"] == pytest.approx(60 / 3600)
    assert found["hours"]["codes"] == pytest.approx(7.5 / 3600)
    by_workers = on_paper(60_000, MEASURED, engine="processes", nodes=1, price=1.0)
    assert by_workers["hours"]["codes"] == pytest.approx(15 / 3600)


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
    assert "clusters, scores, maps and the report are one machine's" in text
    assert found["hours"]["learning"] == 0.0  # the best linear network takes seconds


def test_what_is_learned_is_counted(digits: tuple) -> None:
    """Ten times the epochs take ten times as long; a recipe whose steps aren't timed says so."""
    device, pixels = choose_device("float32", (8,)), digits[0][:200, ..., None]
    few = change(load_recipe("small-98"), **{"training.epochs": 1})
    many = change(few, **{"training.epochs": 1_000})
    model = build(architecture_of((28, 28, 1), few), 0)
    one = learning_seconds(model, pixels, 10_000, few, device)
    thousand = learning_seconds(model, pixels, 10_000, many, device)
    assert 10 * one < thousand
    rounds = learning_seconds(model, pixels, 10_000, load_recipe("tree"), device)
    assert rounds > 0
    assert learning_seconds(model, pixels, 10_000, load_recipe("pairs"), device) is None


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
