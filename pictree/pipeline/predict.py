"""Where new pictures belong: the same size, code and clusters as in a finished run."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from pictree.engine.base import Engine
from pictree.engine.choose import open_engine
from pictree.errors import InputError
from pictree.files import csv_bytes, write_bytes
from pictree.images.sources import Source
from pictree.pipeline.carried_places import placed_through
from pictree.pipeline.codes import codes_of_new
from pictree.pipeline.place import Placer, figures, files_at_once, open_new
from pictree.pipeline.place_shards import Asked, place_by
from pictree.progress import Progress
from pictree.shards import shard_ranges
from pictree.store import Run

_COLUMNS = ("path", "cluster", "label", "confidence", "nearest_path", "outcome", "reason")


def predict(
    run_path: str | Path,
    pictures: Any,
    *,
    output: str | Path | None = None,
    known_labels: Any = None,
    codes: Any = None,
    features: str | None = None,
    k: int | None = None,
    engine: str = "local",
    address: str | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Say for each new picture which cluster of a run it belongs to.

    A picture whose content is in the run gets the stored cluster. The others get the cluster
    that the run's model gives to their code; its confidence is the share of the 10 nearest
    images of the fit that are in that cluster. A picture that is farther from every image of
    the fit than all but 0.5 % of the fit's own images are from theirs has the label "unknown".
    Pictures that `pictree add` brought since have no say, so that it does not matter what came
    first.

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
    features : str, optional
        For a run on features: where their network is now, if not where it was.
    k : int, optional
        Of a cut that `pictree cut` made; the fit's own clusters by default.
    engine : {"local", "processes", "ray"}
        Who reads the pictures and places them, 4,096 at a time; the table is the same. Run,
        pictures and the output's folder must be seen by all.
    address : str, optional
        Where the run is, if `run_path` is a copy of it: other machines take it from there, and
        need not see the copy, nor the output's folder. They must be able to write there.
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
    run = Run.open(run_path, k=k)
    file = _output_file(run, output)
    source, _, known = open_new(run, pictures, known_labels)
    given = codes_of_new(run, codes, len(source))
    asked = None
    if engine != "local":
        asked = Asked.of(engine, run, pictures, codes, k=k, features=features, address=address)
    with open_engine(engine, progress) as workers, progress:
        progress.start("predicting", len(source))
        placer = Placer(run, given, features)
        if asked is None:
            table = _table(run, placer, source, progress)
        else:
            table = _table_by(workers, asked, placer, source, file.parent, progress)
    write_bytes(file, csv_bytes(table.select(_COLUMNS)))
    labels = pl.Series(known or [None] * len(table), dtype=pl.String)
    return figures(table.with_columns(known_label=labels)) | {"output": str(file)}


def _output_file(run: Run, output: str | Path | None) -> Path:
    if output is None:
        return run.path / "predictions.csv"
    if Path(output).exists():
        raise InputError(
            "the output must be a new file", got=f"{output}, which exists", do="Choose another name"
        )
    return Path(output)


def _table(run: Run, placer: Placer, source: Source, progress: Progress) -> pl.DataFrame:
    """Return a row for every file; those that could not be read have no cluster."""
    tables = []
    for part in shard_ranges({"items": len(source), "shard_rows": files_at_once(run)}):
        placed = placer.place(source, part, progress)
        tables.append(_rows(placed.inventory, placed.places, placer.paths))
    return pl.concat(tables)


def _table_by(
    engine: Engine, asked: Asked, placer: Placer, source: Source, beside: Path, progress: Progress
) -> pl.DataFrame:
    """Return the same, found by an engine; its traces are beside the output until then."""
    with TemporaryDirectory(prefix=".tmp-predict-", dir=beside) as folder:
        traces = Path(folder).absolute()
        with placed_through(engine, asked, traces) as workers:
            parts = place_by(workers, asked, placer, source, traces, progress)
            return pl.concat([_rows(*part, placer.paths) for part in parts])


def _rows(inventory: pl.DataFrame, places: pl.DataFrame, paths: pl.DataFrame) -> pl.DataFrame:
    found = places.select(
        "id",
        "cluster",
        "unknown",
        pl.when("unknown").then(pl.lit("unknown")).otherwise(pl.lit("")).alias("label"),
        pl.col("confidence").round(3),
        pl.col("neighbors").list.first().alias("nearest"),
    )
    names = paths.rename({"id": "nearest", "path": "nearest_path"})
    found = found.join(names, on="nearest", how="left")
    return inventory.join(found, on="id", how="left").sort("id")
