"""Figures reach TensorBoard and MLflow, read back by these tools' own readers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.errors import InputError, MissingExtraError
from pictree.pipeline.fit import fit
from pictree.progress import Progress
from pictree.tracking.base import Tracked, Tracker, numbers_of
from pictree.tracking.open import flat, tracked, trackers_of
from tests.pipeline.conftest import small_recipe


class Spoken(Progress):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


def fitted(tmp_path: Path, digits: tuple, *specs: str) -> tuple[dict[str, Any], Spoken]:
    shown, recipe = Spoken(), small_recipe(**{"clustering.k": "5"})
    with tracked(shown, specs, tmp_path / "my-run", recipe, 3) as progress:
        images = digits[0][:200]
        found = fit(images, tmp_path / "my-run", recipe=recipe, seed=3, progress=progress)
        progress.end(found)
    return found, shown


def test_tensorboard_reads_the_curves(tmp_path: Path, digits: tuple) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found, _ = fitted(tmp_path, digits, f"tensorboard={tmp_path / 'logs'}")
    read = EventAccumulator(str(tmp_path / "logs" / "my-run"))
    read.Reload()
    losses = read.Scalars("training/loss")
    assert [event.step for event in losses] == [1, 2]
    assert losses[1].value < losses[0].value
    assert losses[1].value == pytest.approx(found["loss"], rel=1e-6)
    assert read.Scalars("result/k")[0].value == 5
    text = read.Tensors("settings/text_summary")[0].tensor_proto.string_val[0].decode()
    assert "| training.epochs | 2 |" in text
    assert "| seed | 3 |" in text


def test_mlflow_reads_params_and_metrics(tmp_path: Path, digits: tuple) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    found, _ = fitted(tmp_path, digits, f"mlflow={uri}")
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("pictree")
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.run_name == "my-run"
    assert run.info.status == "FINISHED"
    assert run.data.params["training.epochs"] == "2"
    assert run.data.params["seed"] == "3"
    assert run.data.metrics["result/k"] == 5
    losses = client.get_metric_history(run.info.run_id, "training/loss")
    assert [one.step for one in losses] == [1, 2]
    assert losses[-1].value == pytest.approx(found["loss"])


def test_a_failed_fit_is_marked_as_failed(tmp_path: Path) -> None:
    pytest.importorskip("mlflow")
    from mlflow.tracking import MlflowClient

    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with (
        pytest.raises(RuntimeError, match="stop"),
        tracked(Progress(), [f"mlflow={uri}"], tmp_path / "run", small_recipe(), 0),
    ):
        raise RuntimeError("stop")
    client = MlflowClient(uri)
    (run,) = client.search_runs([client.get_experiment_by_name("pictree").experiment_id])
    assert run.info.status == "FAILED"


def test_mlflow_reports_nothing_to_its_makers() -> None:
    pytest.importorskip("mlflow")
    code = (
        "from pictree.tracking.open import trackers_of; trackers_of(['mlflow']); "
        "from mlflow.telemetry.utils import is_telemetry_disabled; print(is_telemetry_disabled())"
    )
    # Without what tells MLflow that it is being tested, or runs in CI, where it is silent anyway.
    told = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    words = [sys.executable, "-c", code]
    done = subprocess.run(words, capture_output=True, text=True, check=True, env=told)
    assert done.stdout == "True\n"


class Kept(Tracker):
    """Keeps what it is given, and fails at one method."""

    name = "kept"

    def __init__(self, fails_at: str = "") -> None:
        self.fails_at, self.calls = fails_at, []

    def _take(self, method: str, *values: Any) -> None:
        if method == self.fails_at:
            raise OSError("the disk is full")
        self.calls.append((method, *values))

    def begin(self, run: str, settings: Mapping[str, Any]) -> None:
        self._take("begin", run)

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        self._take("figures", step, dict(values))

    def end(self, results: Mapping[str, float]) -> None:
        self._take("end", dict(results))

    def close(self, *, failed: bool) -> None:
        self._take("close", failed)


def test_rows_become_named_numbers() -> None:
    tracker = Kept()
    progress = Tracked(Progress(), [tracker])
    progress.start("computing codes", 3)
    row = {"epoch": 2, "loss": 0.5, "validation_loss": None, "kept": True, "bad": float("nan")}
    progress.figures(row)
    progress.figures({"round": np.int64(1), "agreement": np.float32(0.5), "name": "x"})
    assert tracker.calls == [
        ("figures", 2, {"computing_codes/loss": 0.5}),
        ("figures", 1, {"computing_codes/agreement": 0.5}),
    ]


def test_a_tracker_that_fails_costs_its_figures_alone() -> None:
    shown, good, bad = Spoken(), Kept(), Kept(fails_at="figures")
    progress = Tracked(shown, [bad, good])
    progress.start("training", 1)
    progress.figures({"epoch": 1, "loss": 1.0})
    progress.figures({"epoch": 2, "loss": 0.5})
    progress.end({"k": 3})
    progress.finish(failed=False)
    assert shown.said == [
        "kept failed (OSError: the disk is full); the fit goes on without it",
    ]
    assert bad.calls == []
    assert [call[0] for call in good.calls] == ["figures", "figures", "end", "close"]


def test_settings_are_flat() -> None:
    assert flat({"a": {"b": 1, "c": {"d": (2,)}}, "e": None}) == {
        "a.b": 1,
        "a.c.d": (2,),
        "e": None,
    }
    assert numbers_of({"a": 1, "b": "x", "c": [1], "d": False}) == {"a": 1.0}


def test_what_cannot_be_tracked_is_refused_before_the_fit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = "--track must be tensorboard=FOLDER, mlflow or mlflow=URI; got {!r}. Pass one of these."
    for spec in ("wandb", "tensorboard", "tensorboard=", ""):
        with pytest.raises(InputError) as refused:
            trackers_of([spec])
        assert str(refused.value) == told.format(spec)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(MissingExtraError) as caught:
        trackers_of(["tensorboard=logs"])
    assert str(caught.value) == (
        "--track tensorboard needs the package tensorboard in working order; got "
        "ModuleNotFoundError: import of tensorboard halted; None in sys.modules. "
        "Run pip install 'pictree[tensorboard]'."
    )


def test_a_tracker_that_cannot_begin_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(InputError, match="--track tensorboard must be able to begin; got "),
        tracked(Progress(), [f"tensorboard={tmp_path / 'file'}"], "run", small_recipe(), 0),
    ):
        raise AssertionError
