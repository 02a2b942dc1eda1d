"""Where new pictures belong in a finished run: the one way that `predict` and `add` share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.flat import FlatClusters
from pictree.evaluation.agreement import score
from pictree.images.inventory import remember, take_stock
from pictree.images.known_labels import labels_beside, read_known_labels
from pictree.images.sources import Source, open_source
from pictree.lookup import Lookup
from pictree.manifest import refuse_changed
from pictree.neighbors import as_rows
from pictree.pipeline.coders import MODEL_FILES, coder_of
from pictree.pipeline.codes import GivenCodes
from pictree.pipeline.stock import image_format
from pictree.progress import Progress
from pictree.store import Run

_NEIGHBORS = 10
"""Nearest images of the fit whose clusters vote: their share is the confidence, where the
clustering method has none of its own."""
_BATCH = 4_096
__all__ = ["MODEL_FILES", "PLACES", "Placed", "Placer", "figures", "files_at_once", "open_new"]

PLACES: dict[str, Any] = {
    "id": pl.UInt32,
    "cluster": pl.Int32,
    "confidence": pl.Float32,
    "unknown": pl.Boolean,
    "distance": pl.Float32,
    "neighbors": pl.List(pl.UInt32),
}
"""One row for each new image that has a cluster. `distance` is to the nearest image of the fit,
in code units; `neighbors` are the ids of the nearest ones, at most 10, nearest first. A copy of
an image of the fit has confidence 1, distance 0 and that image as its one neighbor; a copy of
another one has what that has."""


def open_new(
    run: Run, pictures: Any, known_labels: Any
) -> tuple[Source, list[str] | str | None, list[str | None] | None]:
    """Open pictures that are new to a run, scaled as the run's own, with their known labels.

    Parameters
    ----------
    run : Run
    pictures : str, path, array or list of these
    known_labels : str or list of str, optional
        Label files that lie beside IDX files are taken when this is None.

    Returns
    -------
    source : Source
    spec : str or list of str, or None
        What the known labels were read from.
    known : list of (str or None), or None
        One per item.
    """
    source = open_source(pictures)
    spec = known_labels
    if spec is None:
        spec = [str(path) for path in labels_beside(source) or []] or None
    known = read_known_labels(spec, source)
    value_range = run.info["value_range"]
    if value_range and source.value_range:
        source.value_range = tuple(value_range)
    return source, spec, known


def files_at_once(run: Run) -> int:
    """Return how many new files are looked at and placed together, at most 4,096."""
    return min(run.info["shard_rows"], _BATCH)


@dataclass(frozen=True)
class Placed:
    """A part of the new pictures, looked at and placed.

    Attributes
    ----------
    inventory : polars.DataFrame
        A row for every file, whatever its outcome.
    places : polars.DataFrame
        By `PLACES`: the used images and the duplicates, in the order of their ids.
    pixels : uint8 array (m, h, w, c)
        Of the used ones.
    codes : float32 array (m, code size)
    clusters : int32 array (m,)
    """

    inventory: pl.DataFrame
    places: pl.DataFrame
    pixels: np.ndarray
    codes: np.ndarray
    clusters: np.ndarray


class Placer:
    """A finished run opened for placing new pictures.

    Neighbours are sought among the fit's own images alone, so that it makes no difference in
    which order, or in how many piles, pictures come. Their content is compared with every
    image of the run, and with each other.

    Parameters
    ----------
    run : Run
    given : GivenCodes, optional
        Codes of the new pictures, where the run's own came from outside too.
    network : str, optional
        For a run on features: where their network is now.

    Attributes
    ----------
    fitted : Lookup
        Of the codes of the fit's used images.
    first_id : int
        Id of the first new picture.
    ids : uint32 array (n,)
        Of the fit's used images.
    paths : polars.DataFrame
        Id and path of the same.
    """

    def __init__(
        self, run: Run, given: GivenCodes | None = None, network: str | None = None
    ) -> None:
        fitted, info = run.fitted(), run.info
        self.format = image_format(run)
        clusters = f"clusters/{run.clusters_name}/model.npz"
        refuse_changed(run.path, [clusters])
        stored = run.arrays(clusters)
        self.clusters = FlatClusters.from_arrays(stored)
        self.codes, self.labels = as_rows(fitted.array("codes")[:]), fitted.labels()
        self.fitted = Lookup(self.codes)
        # Then the nearest of all codes, which is looked for in any case, tells the cluster.
        self._is_by_nearest = self.clusters.is_by_nearest_of(self.codes)
        self.limit = info["unknown_distance"]
        inventory, used = run.inventory(), fitted.used()
        self.first_id, self.ids = len(inventory), used["id"].to_numpy()
        self._coder = coder_of(run, given, self.first_id, network)
        self.paths = used.select("id", "path")
        self.seen: dict[bytes, int] = {}
        remember(inventory, self.seen)
        self._places = [self._of_fit(), *_added_before(run)]

    def place(self, source: Source, part: range, progress: Progress) -> Placed:
        """Look at some items of the source, and place them; the parts must come in order."""
        table, pixels = take_stock(
            source,
            part,
            self.format,
            first_id=self.first_id + part.start,
            seen=self.seen,
            progress=progress.advance,
        )
        used = table.filter(pl.col("outcome") == "used")["id"]
        codes, _ = self.nothing()
        clusters = np.zeros(0, np.int32)
        if len(pixels):
            codes = self._coder.codes(table, pixels)
            places = self._of_codes(used, codes)
            clusters = places["cluster"].to_numpy()
            self._places.append(places)
        return Placed(table, self.of_files(table), pixels, codes, clusters)

    def errors(self, pixels: np.ndarray) -> np.ndarray | None:
        """Return the reconstruction error of each, float32 (m,); None without an autoencoder."""
        return self._coder.errors(pixels)

    def nothing(self) -> tuple[np.ndarray, pl.DataFrame]:
        """Return the codes and places of no image; see `judge`."""
        return np.zeros((0, self.codes.shape[1]), np.float32), pl.DataFrame(schema=PLACES)

    def judge(self, inventory: pl.DataFrame, pixels: np.ndarray) -> tuple[np.ndarray, pl.DataFrame]:
        """Say where images belong, and remember nothing of them.

        Parameters
        ----------
        inventory : polars.DataFrame
            A row for each image: id, outcome ("used"), and its width and height as shown.
        pixels : uint8 array (m, h, w, c)
            At least one, in the run's format.

        Returns
        -------
        codes : float32 array (m, code size)
        places : polars.DataFrame
            By `PLACES`.
        """
        codes = self._coder.codes(inventory, pixels)
        return codes, self._of_codes(inventory["id"], codes)

    def stored(self) -> pl.DataFrame:
        """Return the places of the run's own images, by `PLACES`, and of those placed since."""
        return pl.concat(self._places)

    def recall(self, inventory: pl.DataFrame, places: pl.DataFrame) -> None:
        """Take a part as placed that was placed before, such as before an interruption."""
        remember(inventory, self.seen)
        self._places.append(places)

    def _of_fit(self) -> pl.DataFrame:
        columns = {
            "id": self.ids,
            "cluster": self.labels,
            "confidence": np.ones(len(self.ids), np.float32),
            "unknown": np.zeros(len(self.ids), bool),
            "distance": np.zeros(len(self.ids), np.float32),
            "neighbors": self.ids[:, None],
        }
        return _places(columns)

    def _of_codes(self, ids: pl.Series, codes: np.ndarray) -> pl.DataFrame:
        codes = as_rows(codes)
        rows, distances = self.fitted.search(codes, min(_NEIGHBORS, len(self.codes)))
        if self._is_by_nearest:
            clusters = self.clusters.of_fitted(rows[:, 0])
        else:
            clusters = self.clusters.predict(codes)
        sure = self.clusters.confidence(codes)
        if sure is None:
            sure = (self.labels[rows] == clusters[:, None]).mean(axis=1)
        limit = np.inf if self.limit is None else self.limit
        columns = {
            "id": ids.to_numpy(),
            "cluster": clusters,
            "confidence": sure,
            "unknown": distances[:, 0] > limit,
            "distance": distances[:, 0],
            "neighbors": self.ids[rows],
        }
        return _places(columns)

    def of_files(self, table: pl.DataFrame) -> pl.DataFrame:
        """Join places to files: new, in the run already, twice among the new; no problems."""
        kept = table.filter(pl.col("outcome").is_in(["used", "duplicate"]))
        original = pl.coalesce("duplicate_of", "id").alias("original")
        asked = kept.select("id", original)
        # Mostly nothing is a copy: a lone picture is not to wait for a table of all the others.
        is_new = (asked["original"] >= table["id"].min()).all()
        found = self._places[-1] if is_new else pl.concat(self._places)
        joined = asked.join(found.rename({"id": "original"}), on="original").sort("id")
        return joined.select(*PLACES)


def _added_before(run: Run) -> list[pl.DataFrame]:
    if not run.info.get("added"):
        return []
    return [with_clusters(run.table("added"), run.assignments())]


def with_clusters(added: pl.DataFrame, assignments: pl.DataFrame) -> pl.DataFrame:
    """Return stored places (``added/``) with their clusters, by `PLACES`."""
    return added.join(assignments.select("id", "cluster"), on="id").sort("id").select(*PLACES)


def _places(columns: dict[str, np.ndarray]) -> pl.DataFrame:
    series = {
        name: pl.Series(values.astype(np.uint32), dtype=pl.Array(pl.UInt32, values.shape[1]))
        if name == "neighbors"
        else pl.Series(values)
        for name, values in columns.items()
    }
    return pl.DataFrame(series).cast(pl.Schema(PLACES))


def figures(table: pl.DataFrame) -> dict[str, Any]:
    """Sum up new pictures: how many, where they are, and how right, where labels are known.

    Parameters
    ----------
    table : polars.DataFrame
        A row for every file: outcome, cluster (null where it has none), unknown, known_label.

    Returns
    -------
    dict
        images, used (those with a cluster), unknown, problems (outcome to count) and, with known
        labels, acc, ari, nmi, purity.
    """
    bad = table.filter(pl.col("cluster").is_null())
    found: dict[str, Any] = {
        "images": len(table),
        "used": len(table) - len(bad),
        "unknown": int(table["unknown"].sum()),
        "problems": dict(Counter(bad["outcome"].sort()).most_common()),
    }
    scored = table.filter(pl.col("cluster").is_not_null() & pl.col("known_label").is_not_null())
    if len(scored):
        found |= score(scored["cluster"].to_numpy(), scored["known_label"].to_list())
    return found
