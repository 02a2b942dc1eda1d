"""More pictures for a finished run: nothing is trained again, ids and clusters stay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.flat import FlatClusters
from pictree.engine.choose import open_engine
from pictree.errors import RunError, SourceError
from pictree.files import remove_leftovers
from pictree.images.sources import Source
from pictree.pipeline.add_parts import Part, placed_by, placed_here
from pictree.pipeline.codes import codes_of_new
from pictree.pipeline.group import assigned, centre_distances, with_duplicates
from pictree.pipeline.place import Placed, Placer, figures, files_at_once, open_new
from pictree.pipeline.place_shards import Asked
from pictree.pipeline.renew import renew
from pictree.pipeline.staging import Staging, begin
from pictree.progress import Progress
from pictree.report.added import advice
from pictree.store import Run


def add(
    run_path: str | Path,
    pictures: Any,
    *,
    known_labels: Any = None,
    codes: Any = None,
    features: str | None = None,
    engine: str = "local",
    address: str | None = None,
    command: Sequence[str] = (),
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Add pictures to a finished run, each to the cluster that `predict` says.

    The run's ids, clusters, model and scores stay as they are. Interrupted, the same call goes
    on; a run never shows a part of the new pictures.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    pictures : str, path, array or list of these
    known_labels : str or list, optional
        For scoring alone. Label files beside IDX files are taken when this is None.
    codes : path-like or array, shape (n, d), optional
        For a run on given codes, and only for such a one: codes of these pictures by the same
        network, a row for each file.
    features : str, optional
        For a run on features: where their network is now, if not where it was.
    engine : {"local", "processes", "ray"}
        Who reads the pictures and places them, 4,096 at a time; the bytes are the same, and what
        one began another can finish. Run and pictures must be seen by all.
    address : str, optional
        Where the run is, if `run_path` is a copy of it; see `predict`.
    command : sequence of str
        The command line, for the record.
    progress : Progress, optional

    Returns
    -------
    dict
        What ``pictree add --json`` prints: run, report, first_id and, of the new files, images,
        used, duplicates, problems (outcome to count), unknown, advice (a sentence, or None), with
        known labels acc, ari, nmi, purity; of the whole run k and sizes (images in each cluster,
        duplicates left out).

    Raises
    ------
    RunError
        If the run is not finished, in use or damaged.
    SourceError
        If no new picture can be read. The run is unchanged then.
    InputError
        If codes are missing, not wanted, of another shape or not finite.
    """
    progress = progress or Progress()
    run, asked = Run.open(run_path), None
    if engine != "local":
        asked = Asked.of(
            engine, run, pictures, codes, features=features, is_kept=True, address=address
        )
    with open_engine(engine, progress) as workers, run.lock(), progress:
        if not run.is_finished:
            raise RunError(
                "pictures can be added to a finished run",
                got=f"{run.path}, whose fit has not ended",
                do="Finish it: the same `pictree fit` command with --resume",
            )
        remove_leftovers(run.path)
        source, spec, known = open_new(run, pictures, known_labels)
        given = codes_of_new(run, codes, len(source))
        staging, dropped = begin(run, source, spec, given, files_at_once(run), command)
        if dropped is not None:
            progress.say(f"the unfinished add of {dropped} is given up")
        if not staging.is_published:
            placer = Placer(run, given, features)
            if asked is None:
                parts = placed_here(staging, placer, source, progress)
            else:
                parts = placed_by(workers, asked, staging, placer, source, progress)
            _make(staging, source, parts, known, progress)
        progress.start("writing the report", 1)
        renew(run)
        staging.finish()
        return _summary(run, staging.plan["first_id"])


def _make(
    staging: Staging,
    source: Source,
    parts: Iterator[Part],
    known: list[str | None] | None,
    progress: Progress,
) -> None:
    """Make the shards that are not there yet, and make them part of the run."""
    clusterings = [_Clustering(staging.run, name) for name in staging.run.clusterings()]
    progress.start("adding pictures", len(source))
    for shard, placed, errors in parts:
        if placed is None:
            for clustering in clusterings:
                clustering.tables.append(staging.table(clustering.kind, shard))
            continue
        rows = staging.parts[shard]
        _write(staging.folder, shard, placed, errors, [known[i] for i in rows] if known else None)
        for clustering in clusterings:
            assignments = clustering.assign(placed)
            staging.folder.write_table(clustering.kind, shard, assignments)
    progress.close()
    counts = _counts(staging)
    if not counts["used"] and not counts["duplicates"]:
        staging.drop()
        raise SourceError(
            "there must be a usable picture among those to add",
            got=f"{source.name}: " + ", ".join(f"{n} {o}" for o, n in counts["problems"].items()),
            do="See the reasons with `pictree scan`",
        )
    staging.publish(counts)


class _Clustering:
    """One of the run's clusterings, and the images that it holds so far."""

    def __init__(self, run: Run, name: str) -> None:
        self.kind, self.is_shown = f"clusters/{name}/assignments", name == run.clusters_name
        stored = run.arrays(f"clusters/{name}/model.npz")
        self.clusters, self.tables = FlatClusters.from_arrays(stored), [run.assignments(name)]

    def assign(self, placed: Placed) -> pl.DataFrame:
        """Return id, cluster and distance of the used images and the duplicates."""
        labels, codes = placed.clusters, placed.codes
        if len(codes) and not self.is_shown:
            labels = self.clusters.predict(codes)
        distances = centre_distances(self.clusters.centres, codes, labels)
        ids = placed.inventory.filter(pl.col("outcome") == "used")["id"]
        self.tables.append(assigned(ids, labels, distances))
        return with_duplicates(placed.inventory, pl.concat(self.tables))


def _write(
    folder: Run,
    shard: int,
    placed: Placed,
    errors: np.ndarray | None,
    known: list[str | None] | None,
) -> None:
    labels = pl.Series(known or [None] * len(placed.inventory), dtype=pl.String)
    inventory = placed.inventory.with_columns(known_label=labels, split=pl.lit("added"))
    folder.write_table("images", shard, inventory)
    folder.write_table("added", shard, placed.places.drop("cluster"))
    for kind, array in (("pixels", placed.pixels), ("codes", placed.codes), ("errors", errors)):
        if array is not None:
            folder.write_array(kind, shard, array)


def _counts(staging: Staging) -> dict[str, Any]:
    """Count the outcomes of all the new files, and those unlike anything in the run."""
    outcomes: Counter[str] = Counter()
    unknown = 0
    for shard in staging.parts:
        outcomes.update(staging.table("images", shard)["outcome"])
        unknown += int(staging.table("added", shard)["unknown"].sum())
    used, duplicates = outcomes.pop("used", 0), outcomes.pop("duplicate", 0)
    problems = dict(sorted(outcomes.items(), key=lambda item: (-item[1], item[0])))
    return {"used": used, "duplicates": duplicates, "unknown": unknown, "problems": problems}


def _summary(run: Run, first: int) -> dict[str, Any]:
    pile, k = run.info["added"][-1], run.info["k"]
    here = pl.col("id").is_between(first, first + pile["items"], closed="left")
    table = (
        run.inventory()
        .filter(here)
        .join(run.assignments(), on="id", how="left")
        .join(run.table("added").select("id", "unknown"), on="id", how="left")
    )
    labels = run.labels()
    return {
        "run": str(run.path),
        **figures(table),
        **{key: pile[key] for key in ("used", "duplicates", "unknown", "problems")},
        "advice": advice(pile),
        "first_id": first,
        "k": k,
        "sizes": np.bincount(labels[labels >= 0], minlength=k).tolist(),
        "report": str(run.path / "report.html"),
    }
