"""Where new pictures belong: the same size, code and clusters as in a finished run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.flat import FlatClusters
from pictree.device import Device, choose_device
from pictree.errors import InputError
from pictree.evaluation.agreement import score
from pictree.files import write_bytes
from pictree.images.inventory import remember, take_stock
from pictree.images.known_labels import labels_beside, read_known_labels
from pictree.images.sources import Source, open_source
from pictree.neighbors import nearest
from pictree.networks import inference, weights
from pictree.pipeline.codes import GivenCodes, codes_of_new
from pictree.pipeline.stock import image_format
from pictree.progress import Progress
from pictree.store import Run, csv_bytes

_NEIGHBORS = 10
"""Nearest images of the run whose clusters vote: their share is the confidence."""
_BATCH = 4_096

_COLUMNS = ("path", "cluster", "label", "confidence", "nearest_path", "outcome", "reason")


def predict(
    run_path: str | Path,
    pictures: Any,
    *,
    output: str | Path | None = None,
    known_labels: Any = None,
    codes: Any = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Say for each new picture which cluster of a run it belongs to.

    A picture whose content was in the fit gets the stored cluster. The others get the cluster
    that the run's model gives to their code; its confidence is the share of the 10 nearest
    images of the run that are in that cluster. A picture that is farther from every image of
    the run than all but 0.5 % of the run's own images are from theirs has the label "unknown".

    Parameters
    ----------
    run_path : path-like
        A finished run.
    pictures : str, path, array or list of these
    output : path-like, optional
        The CSV; predictions.csv in the run folder by default. A file of the user's is not
        overwritten.
    known_labels : str or list, optional
        For scoring alone.
    codes : path-like or array, shape (n, d), optional
        For a run on given codes, and only for such a one: codes of these pictures by the same
        network, a row for each file.
    progress : Progress, optional

    Returns
    -------
    dict
        images, used, unknown, output, problems (outcome to count) and, with known labels, acc,
        ari, nmi, purity.

    Raises
    ------
    RunError, SourceError, InputError
    """
    progress = progress or Progress()
    run = Run.open(run_path)
    file = _output_file(run, output)
    source = open_source(pictures)
    given = codes_of_new(run, codes, len(source))
    known = read_known_labels(known_labels or _beside(source), source)
    value_range = run.info["value_range"]
    if value_range and source.value_range:
        source.value_range = tuple(value_range)
    with progress:
        progress.start("predicting", len(source))
        table = pl.concat(list(_Predictor(run, given).tables(source, progress)))
    write_bytes(file, csv_bytes(table.select(_COLUMNS)))
    return _summary(table, file, known)


def _beside(source: Source) -> list[str] | None:
    found = labels_beside(source)
    return [str(path) for path in found] if found else None


def _output_file(run: Run, output: str | Path | None) -> Path:
    if output is None:
        return run.path / "predictions.csv"
    if Path(output).exists():
        raise InputError(
            "the output must be a new file", got=f"{output}, which exists", do="Choose another name"
        )
    return Path(output)


class _Predictor:
    """A run opened for predicting: model, clusters, and what was in the fit."""

    def __init__(self, run: Run, given: GivenCodes | None) -> None:
        self.run, self.format, self.rows = run, image_format(run), run.info["shard_rows"]
        self.given = given
        if given is None:
            self.device: Device = choose_device("float32")
            self.model = weights.load(run.path / "model")
        stored = run.arrays(f"clusters/{run.clusters_name}/model.npz")
        self.clusters = FlatClusters.from_arrays(stored)
        self.codes, self.labels = run.array("codes")[:], run.labels()
        self.limit = run.info["unknown_distance"]
        inventory = run.inventory()
        self.paths = inventory.filter(pl.col("outcome") == "used")["path"].to_list()
        self.first_id = len(inventory)
        self.seen: dict[bytes, int] = {}
        remember(inventory, self.seen)
        used = inventory.filter(pl.col("outcome") == "used")["id"].to_list()
        self.row_of = {image: row for row, image in enumerate(used)}

    def tables(self, source: Source, progress: Progress) -> Iterator[pl.DataFrame]:
        """Yield a table for each part of the source, in order."""
        fresh: dict[int, dict[str, Any]] = {}
        for first in range(0, len(source), min(self.rows, _BATCH)):
            part = range(first, min(first + min(self.rows, _BATCH), len(source)))
            table, pixels = take_stock(
                source,
                part,
                self.format,
                first_id=self.first_id + first,
                seen=self.seen,
                progress=progress.advance,
            )
            used = table.filter(pl.col("outcome") == "used")["id"].to_list()
            if used:
                codes = self._codes(np.array(used) - self.first_id, pixels)
                fresh |= dict(zip(used, self._of_codes(codes), strict=True))
            yield self._rows(table, fresh)

    def _codes(self, rows: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Codes of new files, by their rows in the source: given, or by the run's network."""
        if self.given is not None:
            return self.given.take(rows)
        return inference.encode(self.model, pixels, self.device)

    def _of_codes(self, codes: np.ndarray) -> list[dict[str, Any]]:
        found = self.clusters.predict(codes)
        k = min(_NEIGHBORS, len(self.codes))
        rows, distances = nearest(self.codes, k, queries=codes)
        confidence = (self.labels[rows] == found[:, None]).mean(axis=1)
        unknown = distances[:, 0] > self.limit if self.limit is not None else found < -1
        return [
            _prediction(int(c), float(p), self.paths[r], bool(u))
            for c, p, r, u in zip(found, confidence, rows[:, 0], unknown, strict=True)
        ]

    def _rows(self, table: pl.DataFrame, fresh: dict[int, dict[str, Any]]) -> pl.DataFrame:
        """Join predictions to files: new, seen in the fit, twice among the new, or a problem."""
        found = []
        for image, twin in table.select("id", "duplicate_of").iter_rows():
            key = image if twin is None else twin
            if key in self.row_of:
                row = self.row_of[key]
                found.append(_prediction(int(self.labels[row]), 1.0, self.paths[row], False))
            else:
                found.append(fresh.get(key, {}))
        schema = {"cluster": pl.Int32, "label": pl.String, "confidence": pl.Float32}
        schema["nearest_path"] = pl.String
        return table.hstack(pl.DataFrame(found, schema=schema))


def _prediction(cluster: int, confidence: float, nearest_path: str, unknown: bool) -> dict:
    return {
        "cluster": cluster,
        "label": "unknown" if unknown else "",
        "confidence": round(confidence, 3),
        "nearest_path": nearest_path,
    }


def _summary(table: pl.DataFrame, file: Path, known: list[str | None] | None) -> dict[str, Any]:
    problems = table.filter(pl.col("cluster").is_null())
    found: dict[str, Any] = {
        "images": len(table),
        "used": len(table) - len(problems),
        "unknown": int((table["label"] == "unknown").sum()),
        "problems": dict(problems["outcome"].value_counts(sort=True).rows()),
        "output": str(file),
    }
    scored = table.with_columns(known=pl.Series(known or [None] * len(table), dtype=pl.String))
    scored = scored.filter(pl.col("cluster").is_not_null() & pl.col("known").is_not_null())
    if len(scored):
        found |= score(scored["cluster"].to_numpy(), scored["known"].to_list())
    return found
