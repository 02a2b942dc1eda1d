"""The run folder, format 1: every file's name, shape and format number stand here alone.

======================================  ====================================================
file                                    content
======================================  ====================================================
run.json                                format, version, command, seed, hardware, stages
recipe.toml                             the effective recipe, every default written out
images/NNNNN.parquet                    the inventory: one row per file, whatever its outcome
problems.csv                            the files that were not used, and why
pixels/NNNNN.npy                        uint8 (m, h, w, c): the used images, decoded
model/                                  encoder, decoder (.safetensors), model.json
checkpoints/                            the last and the previous epoch
codes/NNNNN.npy, errors/NNNNN.npy       float32 (m, code size) and (m,), the used images
reconstructions.npz                     rows, pixels: a few decoded images, best to worst
clusters/NAME/model.npz                 what predicting needs
clusters/NAME/clusters.csv              a row per cluster
clusters/NAME/assignments/NNNNN.parquet id, cluster of every used image and duplicate
clusters/NAME/centres.npy               uint8 (k, h, w, c): decoded centres
tree.npz                                leaves, children, losses, rows, confidence
centres.npz                             recipe dec: centres, rows, confidence
maps/METHOD.npy                         float32 (n used, 2)
metrics.json, log.jsonl                 judgement; one line per epoch
pictures/, report.html                  for people
added/NNNNN.parquet                     how sure the places of pictures added later are
adding/, adding.json, stocking/         of an unfinished `add` or `fit`; no part of the run yet
labels.db                               what a person named; see pictree.label.actions
manifest.json                           SHA-256 of every other file, written last
======================================  ====================================================

A run on given codes or features has no model/ (of features: their weights alone), checkpoints/,
log.jsonl, errors/, reconstructions.npz and centres.npy; run.json says where they came from.

Shard N of the fit holds the inventory's rows ``N * shard_rows`` to ``(N + 1) * shard_rows``; the
other sharded files hold what belongs to these rows, in the order of their ids. Each ``pictree
add`` has shards of its own after these; run.json's ``added`` lists it. A shard that run.json does
not account for is no part of the run.
"""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.errors import RunError
from pictree.files import write_arrays, write_atomic, write_json, write_text
from pictree.images.batches import Stacked
from pictree.locks import LOCK_FILES, hold
from pictree.manifest import Entries, entries, is_there, write_manifest
from pictree.reading import damaged, missing, open_array, read_json, read_lines, read_parquet
from pictree.shards import accounted, shard_name, shard_ranges
from pictree.stages import files_of, has_ended, refuse_names

FORMAT = 1
_TREE, _OF_TREES = "tree.npz", ("tree-", "instant-")


class Run:
    """One run folder.

    Parameters
    ----------
    path : path-like
        The folder. Nothing is read or written here; see `create` and `open`.
    fitted : bool
        See the pictures of the fit alone, as if none had been added since.
    k : int, optional
        Show the tree's cut into k, which `pictree cut` made, in place of the fit's clusters.

    Attributes
    ----------
    path : Path
        The folder.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, fitted: bool = False, k: int | None = None
    ) -> None:
        self.path, self._fitted, self._k = Path(path), fitted, k
        self._before: Entries = {}

    def fitted(self) -> Run:
        """Return the run without the pictures that were added to it after the fit."""
        run = Run(self.path, fitted=True, k=self._k)
        run._before = self._before
        return run

    @classmethod
    def create(cls, path: str | os.PathLike[str], recipe: str, info: Mapping[str, Any]) -> Run:
        """Start a run in a new or empty folder.

        Parameters
        ----------
        path : path-like
            The folder; made when absent.
        recipe : str
            The effective recipe, as TOML.
        info : mapping
            What run.json says beside format and stages; plain JSON values.

        Raises
        ------
        RunError
            If the folder holds anything already.
        """
        run = cls(path)
        run.refuse_if_taken()
        write_text(run.path / "recipe.toml", recipe)
        write_json(run.path / "run.json", {"format": FORMAT, **info, "stages": {}})
        return run

    def refuse_if_taken(self) -> None:
        """Raise `RunError` unless the folder is absent or empty."""
        if (self.path / "run.json").exists():
            raise RunError(
                "A new run needs a folder of its own",
                got=f"{self.path}, which holds a run",
                do="Go on with it by --resume, or choose another folder with -o",
            )
        self._refuse_foreign_files()

    def _refuse_foreign_files(self) -> None:
        """Raise `RunError` for a file, or a folder of other things than a run's."""
        if not self.path.exists() or (self.path / "run.json").exists():
            return
        ours = {*LOCK_FILES, "recipe.toml"}
        names = {p.name for p in self.path.iterdir()} if self.path.is_dir() else {self.path.name}
        if LOCK_FILES[0] in names:  # a run that was killed at its very start
            names = {name for name in names if not name.startswith(".tmp-")}
        if names - ours:
            raise RunError(
                "A new run needs an empty folder",
                got=f"{self.path}, which holds other files",
                do="Choose another folder with -o",
            )

    @classmethod
    def open(cls, path: str | os.PathLike[str], *, k: int | None = None) -> Run:
        """Open an existing run.

        Raises
        ------
        RunError
            If the folder is no run, is damaged, has a newer format, or has no cut into `k`.
        """
        run = cls(path, k=k)
        if not (run.path / "run.json").is_file():
            raise RunError(
                "RUN must be a folder made by `pictree fit`",
                got=f"{run.path}, which has no run.json",
                do="Run `pictree fit PICTURES -o RUN` first",
            )
        if run.info.get("format") not in range(1, FORMAT + 1):
            raise RunError(
                f"A run's format must be {FORMAT} or older",
                got=f"{run.info.get('format')!r} in {run.path / 'run.json'}",
                do="Upgrade pictree",
            )
        refuse_names(run.info, run.path)
        if k is not None and run.clusters_name not in run.clusterings():
            raise RunError(
                "--k must be a cut that was made",
                got=f"{k}, and {run.path} has none into {k}",
                do=f"Run `pictree cut {run.path} --k {k}` first",
            )
        return run

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; a second one gets `RunError` at once.

        The operating system frees the lock when the process ends, however it ends.
        """
        self._refuse_foreign_files()
        with hold(self.path):
            self._before = entries(self.path)
            yield

    # run.json

    @property
    def is_finished(self) -> bool:
        """Whether every stage has ended; `RunError` where the run has lost what one wrote."""
        info = self.info
        if "maps" not in info["stages"] or not all(has_ended(info, s) for s in info["stages"]):
            return False
        return all(self.has(file) for stage in info["stages"] for file in files_of(stage, info))

    @property
    def info(self) -> dict[str, Any]:
        """What run.json says."""
        return read_json(self.path / "run.json")

    def update(self, **changes: Any) -> None:
        """Change top-level keys of run.json."""
        write_json(self.path / "run.json", {**self.info, **changes})

    def done(self, stage: str) -> bool:
        """Tell whether a stage has ended, and all that it wrote is still there."""
        info = self.info
        there = all((self.path / file).exists() for file in files_of(stage, info))
        return there and has_ended(info, stage)

    def plan(self, stages: Iterable[str]) -> None:
        """Record the stages to come as waiting; what is known of any stays."""
        known = self.info["stages"]
        waiting = {name: {"state": "waiting", "seconds": 0.0} for name in stages}
        self.update(stages={**waiting, **known})

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Record a stage's state and seconds in run.json; an interrupted one adds up."""
        before = self.info["stages"].get(name, {}).get("seconds", 0.0)
        start = time.perf_counter()
        self._set_stage(name, "running", before)
        yield
        self._set_stage(name, "done", before + time.perf_counter() - start)

    def _set_stage(self, name: str, state: str, seconds: float) -> None:
        stages = self.info["stages"]
        stages[name] = {"state": state, "seconds": round(seconds, 3)}
        self.update(stages=stages)

    # shards

    def shards(self) -> list[range]:
        """Return the ids of each shard: the fit's, then those of each `pictree add`."""
        return shard_ranges(self.info, fitted=self._fitted)

    def shard_file(self, kind: str, shard: int) -> Path:
        """Return the path of a sharded file; ``kind`` is a folder, such as ``codes``."""
        return self.path / shard_name(kind, shard)

    def _shards(self, kind: str) -> list[Path]:
        info = self.info
        if not any((self.path / kind).glob("[0-9]*")):
            raise RunError(
                f"The run must have its {kind}",
                got=f"an empty {self.path / kind}",
                do="Finish the run: the same `pictree fit` command with --resume",
            )
        is_start = kind == f"clusters/{info.get('instant')}/assignments"
        names = accounted(info, kind, fitted=self._fitted or is_start)
        files = [self.path / name for name in names]
        for file in files:
            if not file.exists():
                raise missing(file)
        return files

    def write_array(self, kind: str, shard: int, array: np.ndarray) -> None:
        """Write shard ``shard`` of ``pixels``, ``codes`` or ``errors``."""
        write_atomic(self.shard_file(kind, shard), lambda f: np.save(f, array, allow_pickle=False))

    def shard_count(self, kind: str) -> int:
        """Return how many shards of a kind there are."""
        return len(self._shards(kind))

    def read_array(self, kind: str, shard: int) -> np.ndarray:
        """Return one shard as a memory map."""
        return open_array(self.shard_file(kind, shard))

    def read_table(self, kind: str, shard: int) -> pl.DataFrame:
        """Return one shard of ``images``, ``added`` or ``clusters/NAME/assignments``."""
        return read_parquet(self.shard_file(kind, shard))

    def array(self, kind: str) -> Stacked:
        """Return all shards of ``pixels``, ``codes`` or ``errors`` as one array-like."""
        return Stacked([open_array(file) for file in self._shards(kind)])

    def write_table(self, kind: str, shard: int, table: pl.DataFrame) -> None:
        """Write shard ``shard`` of ``images`` or ``clusters/NAME/assignments``."""
        write_atomic(self.shard_file(kind, shard), lambda f: table.write_parquet(f))

    def table(self, kind: str) -> pl.DataFrame:
        """Return all shards of ``images`` or ``clusters/NAME/assignments`` as one table."""
        return pl.concat([read_parquet(file) for file in self._shards(kind)])

    def inventory(self) -> pl.DataFrame:
        """Return the inventory: one row per file, whatever its outcome."""
        return self.table("images")

    def used(self) -> pl.DataFrame:
        """Return the inventory's used rows: row i belongs to row i of pixels, codes, maps."""
        return self.inventory().filter(pl.col("outcome") == "used")

    # clusters

    @property
    def clusters_name(self) -> str:
        """Name of the clusters that the run shows, such as ``kmeans-10``."""
        return str(self.info["clusters"]) if self._k is None else f"tree-{self._k}"

    def assignments(self, name: str | None = None) -> pl.DataFrame:
        """Return id and cluster of every used image and duplicate, in the order of ids."""
        return self.table(f"clusters/{name or self.clusters_name}/assignments")

    def labels(self, name: str | None = None) -> np.ndarray:
        """Return the clusters of the used images, int32 (n used,)."""
        of_used = self.used().select("id").join(self.assignments(name), on="id", how="left")
        return of_used.sort("id")["cluster"].to_numpy().astype(np.int32)

    def clusters_path(self, file: str, name: str | None = None) -> Path:
        """Return the path of ``file`` inside the clusters' folder."""
        return self.path / "clusters" / (name or self.clusters_name) / file

    def clusterings(self) -> list[str]:
        """Return the names of the clusters that all pictures are in, those of `pictree cut` too.

        Not those of the start that learned ones replaced: the codes that they need are gone.
        """
        info, names = self.info, sorted(folder.name for folder in self.path.glob("clusters/*/"))
        return [
            name
            for name in names
            if name != info.get("instant")
            and self.has(f"clusters/{name}/model.npz")
            and all(map(self.has, accounted(info, f"clusters/{name}/assignments")))
        ]

    @property
    def has_tree(self) -> bool:
        """Whether the run's clusters are a cut of a tree; `RunError` where it is gone."""
        if self.has(_TREE):
            return True
        if str(self.info.get("clusters", "")).startswith(_OF_TREES):
            raise missing(self.path / _TREE)
        return False

    def has(self, file: str) -> bool:
        """Tell whether an optional file is there; `RunError` where a finished run has lost it."""
        return is_there(self.path, file)

    # single files

    def write_arrays(self, file: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write named arrays as an .npz, with the same bytes for the same arrays."""
        write_arrays(self.path / file, arrays)

    def arrays(self, file: str) -> dict[str, np.ndarray]:
        """Read what `write_arrays` wrote."""
        try:
            with np.load(self.path / file, allow_pickle=False) as stored:
                return {key: stored[key] for key in stored.files}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise damaged(self.path / file) from error

    def write_map(self, method: str, points: np.ndarray) -> None:
        """Write a map's coordinates, float32 (n used, 2)."""
        data = np.asarray(points, np.float32)
        write_atomic(self.map_file(method), lambda f: np.save(f, data))

    def map_file(self, method: str) -> Path:
        """Return the path of a map's coordinates."""
        return self.path / "maps" / f"{method}.npy"

    def maps(self) -> dict[str, np.ndarray]:
        """Return the maps by method, the one that shows kinds best first: t-SNE, UMAP, PCA.

        A map that lacks pictures added since is left out.
        """
        there = [method for method in ("tsne", "umap", "pca") if self.has(f"maps/{method}.npy")]
        maps = {method: np.asarray(open_array(self.map_file(method))) for method in there}
        if "added" not in self.info:
            return maps
        used = len(self.array("codes"))
        cut = {name: points[:used] if self._fitted else points for name, points in maps.items()}
        return {name: points for name, points in cut.items() if len(points) == used}

    def write_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write metrics.json."""
        write_json(self.path / "metrics.json", metrics)

    @property
    def metrics(self) -> dict[str, Any]:
        """What metrics.json says."""
        return read_json(self.path / "metrics.json")

    def write_log(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write log.jsonl: one line per epoch."""
        write_text(self.path / "log.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def log(self) -> list[dict[str, Any]]:
        """Return log.jsonl's rows; none when nothing was trained."""
        return read_lines(self.path / "log.jsonl")

    def write_manifest(self) -> None:
        """Write the SHA-256 of every file of the run; to be called last."""
        write_manifest(self.path, self._before)
