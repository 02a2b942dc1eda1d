"""All that the report shows, read from the run folder once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from pictree.clustering.tree import ClusterTree
from pictree.images.batches import Stacked
from pictree.reading import open_array
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
    tree : ClusterTree or None
        The tree that the clusters are a cut of.
    tree_rows : int array
        The used image of each row of the tree; empty without one.
    confidence : float32 array (n,)
        Share of the runs, or of the nearest images, that put an image where it is, from 0 to 1;
        NaN where nothing says so.
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
    tree: ClusterTree | None
    tree_rows: np.ndarray
    confidence: np.ndarray
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
    centres = f"clusters/{run.clusters_name}/centres.npy"
    tree = run.arrays("tree.npz") if run.has_tree else None
    ids = used["id"].to_numpy()
    added = run.table("added") if run.info.get("added") else None
    return Findings(
        info=run.info,
        metrics=run.metrics,
        recipe=(run.path / "recipe.toml").read_text(encoding="utf-8"),
        log=run.log(),
        inventory=inventory,
        ids=ids,
        paths=used["path"],
        known=known if any(label is not None for label in known) else None,
        labels=assigned["cluster"].to_numpy().astype(np.int32),
        distances=assigned["distance"].cast(pl.Float64).fill_null(float("nan")).to_numpy(),
        pixels=run.array("pixels"),
        codes=run.array("codes"),
        errors=run.array("errors")[:] if run.has("errors/00000.npy") else None,
        centres=np.array(open_array(run.path / centres)) if run.has(centres) else None,
        reconstructions=_reconstructions(run),
        maps=run.maps(),
        tree=ClusterTree.from_arrays(tree) if tree else None,
        tree_rows=tree["rows"] if tree else np.empty(0, int),
        confidence=_confidence(ids, tree, added),
        added=added,
    )


def _confidence(
    ids: np.ndarray, tree: dict[str, np.ndarray] | None, added: pl.DataFrame | None
) -> np.ndarray:
    confidence = np.full(len(ids), np.nan, np.float32)
    if tree and "confidence" in tree:
        confidence[tree["rows"]] = tree["confidence"]
    if added is not None:
        placed = added.filter(pl.col("id").is_in(ids.tolist()))
        confidence[np.searchsorted(ids, placed["id"].to_numpy())] = placed["confidence"].to_numpy()
    return confidence


def _reconstructions(run: Run) -> dict[str, np.ndarray] | None:
    file = "reconstructions.npz"
    return run.arrays(file) if run.has(file) else None
