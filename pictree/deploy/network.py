"""Pixels to code, cluster, confidence and nearest images: `pictree predict` as one module."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pictree.clustering.flat import FlatClusters
from pictree.deploy.head import Nearest, cluster_head
from pictree.errors import RunError
from pictree.manifest import refuse_changed
from pictree.networks import weights
from pictree.networks.autoencoder import Encoder
from pictree.store import Run

OUTPUTS = ("code", "cluster", "confidence", "distance", "unknown", "nearest")
"""What the exported model says of m images, in this order.

code : float32 (m, d)
cluster : int64 (m,); -1 for noise (HDBSCAN alone)
confidence : float32 (m,): share of the nearest images of the fit, at most 10, that are in that
    cluster; for recipe ``dec`` the share of the nearest centre
distance : float32 (m,): to the nearest image of the fit, in code units
unknown : bool (m,): whether that is farther than all but 0.5 % of the fit's own images are from
    theirs
nearest : int64 (m, at most 10): ids of the nearest images of the fit, nearest first
"""
MODEL_FILES = ("model/model.json", "model/encoder.safetensors", "model/decoder.safetensors")

_VOTERS = 10
"""As `pictree predict` has it: the nearest images of the fit whose clusters vote."""


class Predictor(nn.Module):
    """Encoder and cluster head of a finished run.

    Parameters
    ----------
    encoder : Encoder
    clusters : FlatClusters
    codes : float32 array (n, d)
        Of the fit's images.
    labels, ids : int arrays (n,)
        Their clusters and ids.
    limit : float or None
        Distance above which an image is unknown.
    """

    labels: Tensor
    ids: Tensor
    limit: Tensor

    def __init__(
        self,
        encoder: Encoder,
        clusters: FlatClusters,
        codes: np.ndarray,
        labels: np.ndarray,
        ids: np.ndarray,
        limit: float | None,
    ) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = None if _is_of_nearest(clusters, codes, labels) else cluster_head(clusters)
        self.voters = Nearest(codes, min(_VOTERS, len(codes)))
        self.centres = _centres(clusters)
        self.register_buffer("labels", torch.from_numpy(labels.astype(np.int64)))
        self.register_buffer("ids", torch.from_numpy(ids.astype(np.int64)))
        self.register_buffer("limit", torch.tensor(np.inf if limit is None else limit))

    def forward(self, pixels: Tensor) -> dict[str, Tensor]:
        """Float (m, c, h, w) in [0, 1] to `OUTPUTS`; a dict, which needs no class of ours."""
        code = self.encoder(pixels)
        rows, distances = self.voters(code)
        cluster = self.labels[rows[:, 0]] if self.head is None else self.head(code)
        if self.centres is None:
            sure = (self.labels[rows] == cluster[:, None]).float().mean(dim=1)
        else:
            near = 1 / (1 + (code[:, None, :] - self.centres).square().sum(dim=2))
            sure = near.amax(dim=1) / near.sum(dim=1)
        far = distances[:, 0]
        found = (code, cluster, sure, far, far > self.limit, self.ids[rows])
        return dict(zip(OUTPUTS, found, strict=True))


def _is_of_nearest(clusters: FlatClusters, codes: np.ndarray, labels: np.ndarray) -> bool:
    """Tell whether an image's cluster is simply that of the nearest image of the fit."""
    whole = clusters.method in ("tree", "instant") and len(clusters.labels) == len(codes)
    return (
        whole
        and np.array_equal(clusters.model["fitted"], codes)
        and np.array_equal(clusters.labels, labels)
    )


def _centres(clusters: FlatClusters) -> nn.Parameter | None:
    """Return the centres whose distances are the confidence, as `FlatClusters.confidence` says."""
    if clusters.method != "dec":
        return None
    return nn.Parameter(torch.from_numpy(clusters.centres.copy()), requires_grad=False)


def predictor(run: Run) -> Predictor:
    """Read what predicts from a finished run.

    Parameters
    ----------
    run : Run

    Returns
    -------
    Predictor
        On the CPU, in float32, for inference.

    Raises
    ------
    RunError
        If the run is not finished, has no network of its own, or a file was changed.
    """
    _refuse(run)
    clusters_file = f"clusters/{run.clusters_name}/model.npz"
    refuse_changed(run.path, [*MODEL_FILES, clusters_file])
    fitted = run.fitted()
    made = Predictor(
        weights.load(run.path / "model").encoder,
        FlatClusters.from_arrays(run.arrays(clusters_file)),
        fitted.array("codes")[:],
        fitted.labels(),
        fitted.used()["id"].to_numpy(),
        run.info["unknown_distance"],
    )
    return made.eval().requires_grad_(False)


def _refuse(run: Run) -> None:
    if not run.is_finished:
        raise RunError(
            "only a finished run's model can be exported",
            got=f"{run.path}, whose fit has not ended",
            do="Finish it: the same `pictree fit` command with --resume",
        )
    if run.info.get("codes") is not None or run.info.get("features") is not None:
        raise RunError(
            "a run whose model is exported must have learned its own network",
            got=f"{run.path}, whose codes are another network's",
            do="Export that network with its own tools",
        )
