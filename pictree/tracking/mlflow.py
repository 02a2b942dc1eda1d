"""MLflow: one of its runs for each fit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pictree.tracking.base import Tracker

EXPERIMENT = "pictree"


class MLflow(Tracker):
    """Writes params and metrics by MLflow's own client; its usage reports are switched off.

    Parameters
    ----------
    uri : str, optional
        Such as ``sqlite:///mlflow.db`` or a server's address; MLflow's own default
        (``MLFLOW_TRACKING_URI``, or files here) without it.
    """

    name = "mlflow"

    def __init__(self, uri: str | None = None) -> None:
        self._uri = uri

    def begin(self, run: str, settings: Mapping[str, Any]) -> None:
        """Create a run in the experiment "pictree", with the settings as params."""
        quiet()
        from mlflow.entities import Param
        from mlflow.tracking import MlflowClient

        self._client = MlflowClient(self._uri)
        known = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = (
            self._client.create_experiment(EXPERIMENT) if known is None else known.experiment_id
        )
        self._run = self._client.create_run(experiment, run_name=run).info.run_id
        params = [Param(key, str(value)[:500]) for key, value in settings.items()]
        self._client.log_batch(self._run, params=params)

    def figures(self, step: int, values: Mapping[str, float]) -> None:
        """Log metrics at a step."""
        for name, value in values.items():
            self._client.log_metric(self._run, name, value, step=step)

    def end(self, results: Mapping[str, float]) -> None:
        """Log the results."""
        for name, value in results.items():
            self._client.log_metric(self._run, f"result/{name}", value)

    def close(self, *, failed: bool) -> None:
        """Mark the run as ended."""
        self._client.set_terminated(self._run, "FAILED" if failed else "FINISHED")


def quiet() -> None:
    """Switch off MLflow's reports about its use to its makers; to be called before its import."""
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
