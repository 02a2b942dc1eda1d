"""All that the report shows, read from the run folder once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pictree.images.batches import Stacked
from pictree.store import Run


@dataclass(frozen=True)
class Findings:
    """What a run holds; row i belongs to used image i everywhere.

    Attributes
    ----------
    info, metrics : dict
        run.json and metrics.json.
    recipe : str
        recipe.toml.
    log : list of dict
        A row per epoch; empty when nothing was trained.
    inventory : polars.DataFrame
        One row per file, whatever its outcome.
    ids : int array (n,)
        Inventory ids of the used images.
    paths : polars.Series of str (n,)
    known : list of (str or None), length n, or None
        Known labels; None where not a single image has one.
    labels : int32 array (n,)
        Clusters, -1 for noise.
    distances : float array (n,)
        Distance to the centre of the image's cluster, in code units; NaN where there is none.
    pixels : Stacked
        uint8 (n, h, w, c).
    codes : Stacked
        float32 (n, code size).
    errors : float32 array (n,) or None
        Reconstruction error of each image.
    centres : uint8 array (k, h, w, c) or None
        Decoded centres.
    reconstructions : dict of arrays or None
        ``rows``, ``reconstructions``, ``errors``.
    maps : dict of float32 arrays (n, 2)
    added : polars.DataFrame or None
        How sure the places of pictures are that were added since the fit.
    """

    info: dict[str, Any]
    metrics: dict[str, Any]
    recipe: str
    log: list[dict[str, Any]]
    inventory: pl.DataFrame
    ids: np.ndarray
    paths: pl.Series
    known: list[str | None] | None
    labels: np.ndarray
    distances: np.ndarray
    pixels: Stacked
    codes: Stacked
    errors: np.ndarray | None
    centres: np.ndarray | None
    reconstructions: dict[str, np.ndarray] | None
    maps: dict[str, np.ndarray]
    added: pl.DataFrame | None

    @property
    def k(self) -> int:
        """Number of clusters, noise not counted."""
        return int(self.labels.max(initial=-1)) + 1

    @property
    def sizes(self) -> np.ndarray:
        """Used images in each cluster, int (k,)."""
        return np.bincount(self.labels[self.labels >= 0], minlength=self.k)

    @property
    def is_added(self) -> np.ndarray:
        """Whether each image was added since the fit, bool (n,)."""
        return self.ids >= (len(self.inventory) if self.added is None else self.info["items"])

    def path(self, row: int) -> str:
        """Return the path of used image ``row``."""
        return str(self.paths[int(row)])


def gather(run: Run) -> Findings:
    """Read a finished run.

    Raises
    ------
    RunError
        If a file that every finished run has is absent, or any file is damaged.
    """
    inventory = run.inventory()
    used = inventory.filter(pl.col("outcome") == "used")
    assigned = used.select("id").join(run.assignments(), on="id", how="left").sort("id")
    known = used["known_label"].to_list()
    centres = run.clusters_path("centres.npy")
    return Findings(
        info=run.info,
        metrics=run.metrics,
        recipe=(run.path / "recipe.toml").read_text(encoding="utf-8"),
        log=run.log(),
        inventory=inventory,
        ids=used["id"].to_numpy(),
        paths=used["path"],
        known=known if any(label is not None for label in known) else None,
        labels=assigned["cluster"].to_numpy().astype(np.int32),
        distances=assigned["distance"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        pixels=run.array("pixels"),
        codes=run.array("codes"),
        errors=run.array("errors")[:] if run.shard_file("errors", 0).exists() else None,
        centres=np.load(centres, allow_pickle=False) if centres.exists() else None,
        reconstructions=_reconstructions(run),
        maps=run.maps(),
        added=run.table("added") if run.info.get("added") else None,
    )


def _reconstructions(run: Run) -> dict[str, np.ndarray] | None:
    file = "reconstructions.npz"
    return run.arrays(file) if (run.path / file).exists() else None
