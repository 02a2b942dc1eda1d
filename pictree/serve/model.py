"""One run opened for answering: pictures to places, exactly as `pictree predict` has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from pictree.deploy.export import cluster_table
from pictree.errors import RunError
from pictree.images.base import printable
from pictree.images.decode import read_header
from pictree.images.guard import Guards
from pictree.images.inventory import digest_of
from pictree.images.outcome import Unusable
from pictree.neighbors import as_rows
from pictree.pipeline.place import Placer
from pictree.reading import for_polars
from pictree.serve.limits import Limits
from pictree.store import Run


@dataclass(frozen=True)
class Looked:
    """One picture of a request, decoded.

    Attributes
    ----------
    name : str
        As the client called it.
    known : int or None
        Id of the run's image that has the same bytes.
    pixels : uint8 array (h, w, c), or None
        None where it can't be used.
    size : (int, int)
        Width and height of the picture itself, as shown; (0, 0) where it can't be used.
    outcome, reason : str
        "used" and "", or why not.
    """

    name: str
    known: int | None
    pixels: np.ndarray | None
    size: tuple[int, int]
    outcome: str
    reason: str


class Model:
    """A finished run that says where pictures belong; it remembers none of them.

    Parameters
    ----------
    path : path-like
    limits : Limits
    k : int, optional
        Of a cut that `pictree cut` made; the fit's own clusters by default.

    Attributes
    ----------
    run : Run
    facts : dict
        What ``/health`` says.
    clusters : list of dict
        What ``/clusters`` says.

    Raises
    ------
    RunError
        If the run is not finished, is damaged, has no such cut, or its codes came from outside.
    """

    def __init__(self, path: str | Path, limits: Limits, *, k: int | None = None) -> None:
        self.run = Run.open(path, k=k)
        _refuse(self.run)
        self._placer, self._limits = Placer(self.run), limits
        self._guards = Guards()
        self._ids = self._placer.ids
        paths = self.run.inventory().select("id", "path")
        self._paths = dict(paths.iter_rows())
        self._stored = self._placer.stored()
        self.clusters = _clusters(self.run)
        self._labels = {row["cluster"]: row["label"] for row in self.clusters}
        self.facts: dict[str, Any] = {
            "status": "ok",
            "run": printable(self.run.path.resolve().name),
            "images": len(self._stored),
            "clusters": self.run.clusters_name,
            "k": self._placer.clusters.n_clusters,
        }
        self._warm()

    def _warm(self) -> None:
        """Place a black picture: else the first request waits for what is set up at first use."""
        fmt = self._placer.format
        black = np.zeros((fmt.height, fmt.width, fmt.channels), np.uint8)
        self.judge([Looked("", None, black, (fmt.width, fmt.height), "used", "")])

    def __enter__(self) -> Model:
        self._guards.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._guards.__exit__(*error)

    def look(self, name: str, raw: bytes) -> Looked:
        """Decode one picture; whatever is wrong with it is its outcome."""
        digest = digest_of(raw)
        known = self._placer.seen.get(digest)
        try:
            header = read_header(raw)
            if header.width * header.height > self._limits.megapixels * 1_000_000:
                reason = f"more than {self._limits.megapixels} megapixels"
                raise Unusable("too large", reason, header)
            pixels, _ = self._guards.decode(raw, self._placer.format, None)
        except Unusable as problem:
            return Looked(name, None, None, (0, 0), problem.outcome, problem.reason)
        return Looked(name, known, pixels, (header.width, header.height), "used", "")

    def judge(self, looked: Sequence[Looked]) -> tuple[np.ndarray, list[dict[str, Any]]]:
        """Return code and place of each of some usable pictures; see `Placer.judge`."""
        pixels = np.stack([one.pixels for one in looked if one.pixels is not None])
        inventory = pl.DataFrame(
            {
                "id": range(len(looked)),
                "outcome": [one.outcome for one in looked],
                "width": [one.size[0] for one in looked],
                "height": [one.size[1] for one in looked],
            },
            schema_overrides={"id": pl.UInt32},
        )
        codes, places = self._placer.judge(inventory, pixels)
        return codes, places.to_dicts()

    def place(self, looked: Looked, found: dict[str, Any]) -> dict[str, Any]:
        """Say what ``/predict`` answers of one picture.

        Parameters
        ----------
        looked : Looked
            Usable.
        found : dict
            Its row of what `judge` gave.
        """
        if looked.known is not None:
            found = self._stored.row(by_predicate=pl.col("id") == looked.known, named=True)
        first = found["neighbors"][0]
        return {
            "cluster": found["cluster"],
            "cluster_label": self._labels.get(found["cluster"]),
            "label": "unknown" if found["unknown"] else "",
            "confidence": round(float(found["confidence"]), 3),
            "distance": round(float(found["distance"]), 6),
            "nearest": {"id": first, "path": self._paths[first]},
        }

    def similar(self, codes: np.ndarray, count: int) -> list[list[dict[str, Any]]]:
        """Return the images of the fit that are nearest to each code, nearest first.

        Parameters
        ----------
        codes : float32 array (m, code size)
        count : int
        """
        rows, distances = self._placer.fitted.search(as_rows(codes), min(count, len(self._ids)))
        return [
            [self._image(int(row), float(d)) for row, d in zip(*pair, strict=True)]
            for pair in zip(rows, distances, strict=True)
        ]

    def _image(self, row: int, distance: float) -> dict[str, Any]:
        image = int(self._ids[row])
        cluster = int(self._placer.labels[row])
        return {
            "id": image,
            "path": self._paths[image],
            "cluster": cluster,
            "cluster_label": self._labels.get(cluster),
            "distance": round(distance, 6),
        }


def _refuse(run: Run) -> None:
    if not run.is_finished:
        raise RunError(
            "only a finished run can be served",
            got=f"{run.path}, whose fit has not ended",
            do="Finish it: the same `pictree fit` command with --resume",
        )
    if run.info.get("codes") is not None:
        raise RunError(
            "a run that is served must have made its own codes",
            got=f"{run.path}, whose codes came from outside",
            do="Use `pictree predict RUN PICTURES --codes FILE.npy`",
        )


def _clusters(run: Run) -> list[dict[str, Any]]:
    near = pl.read_csv(for_polars(run.clusters_path("clusters.csv"))).select(
        pl.col("cluster").cast(pl.Int32), "nearest_to_centre"
    )
    return cluster_table(run).join(near, on="cluster", how="left").sort("cluster").to_dicts()
