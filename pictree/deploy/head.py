"""The cluster head: codes to clusters, as torch modules that other runtimes can take."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from pictree.clustering.flat import FlatClusters, numbered
from pictree.errors import InputError

_SPARE = 6
"""Candidates beyond those asked for: a float32 product picks them, exact distances rank them."""


class Nearest(nn.Module):
    """Finds the nearest of stored rows.

    Parameters
    ----------
    rows : float32 array (n, d)
    count : int
        How many; at most n.
    """

    rows: Tensor
    middle: Tensor
    moved: Tensor
    squares: Tensor

    def __init__(self, rows: np.ndarray, count: int) -> None:
        super().__init__()
        middle = rows.mean(axis=0, dtype=np.float64).astype(np.float32)
        self.count, self.looked = count, min(count + _SPARE, len(rows))
        # Rounding grows with the numbers: from their middle they are as small as can be.
        moved = rows - middle
        self.register_buffer("middle", torch.from_numpy(middle))
        self.register_buffer("moved", torch.from_numpy(np.ascontiguousarray(moved)))
        self.register_buffer("squares", torch.from_numpy((moved**2).sum(axis=1)))

    def forward(self, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Float (m, d) to int64 rows (m, count) and float distances (m, count), nearest first."""
        asked = codes - self.middle
        gaps = self.squares - 2 * (asked @ self.moved.T)
        some = torch.topk(gaps, self.looked, dim=1, largest=False).indices
        exact = (self.moved[some] - asked[:, None, :]).square().sum(dim=2)
        squares, order = torch.topk(exact, self.count, dim=1, largest=False)
        return torch.gather(some, 1, order), squares.sqrt()


class ByNearest(nn.Module):
    """Each code to the cluster of the nearest row that was clustered (trees, HDBSCAN)."""

    labels: Tensor

    def __init__(self, rows: np.ndarray, labels: np.ndarray) -> None:
        super().__init__()
        self.nearest = Nearest(rows, 1)
        self.register_buffer("labels", torch.from_numpy(labels.astype(np.int64)))

    def forward(self, codes: Tensor) -> Tensor:
        """Float (m, d) to int64 (m,)."""
        return self.labels[self.nearest(codes)[0][:, 0]]


class ByCentre(nn.Module):
    """Each code to its nearest centre (k-means, dec)."""

    def __init__(self, centres: np.ndarray) -> None:
        super().__init__()
        self.nearest = Nearest(centres, 1)

    def forward(self, codes: Tensor) -> Tensor:
        """Float (m, d) to int64 (m,)."""
        return self.nearest(codes)[0][:, 0]


class ByGaussian(nn.Module):
    """Each code to the Gaussian that most likely made it."""

    means: Tensor
    factors: Tensor
    constants: Tensor

    def __init__(self, model: dict[str, np.ndarray]) -> None:
        super().__init__()
        order = model["order"]
        factors = model["precisions"][order]
        logs = np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(axis=1)
        constants = model["log_weights"][order] + logs
        self.register_buffer("means", _float(model["means"][order]))
        self.register_buffer("factors", _float(factors))
        self.register_buffer("constants", _float(constants))

    def forward(self, codes: Tensor) -> Tensor:
        """Float (m, d) to int64 (m,)."""
        off = (codes[:, None, :] - self.means).unsqueeze(2) @ self.factors
        return (self.constants - off.squeeze(2).square().sum(dim=2) / 2).argmax(dim=1)


class Prepare(nn.Module):
    """What codes go through before they are clustered: an affine map."""

    matrix: Tensor
    shift: Tensor

    def __init__(self, shift: np.ndarray, scale: np.ndarray, components: np.ndarray) -> None:
        super().__init__()
        axes = components if len(components) else np.eye(len(shift))
        matrix = (axes / scale).T
        self.register_buffer("matrix", _float(matrix))
        self.register_buffer("shift", _float(shift))

    def forward(self, codes: Tensor) -> Tensor:
        """Float (m, d) to float (m, r)."""
        return (codes - self.shift) @ self.matrix


def cluster_head(clusters: FlatClusters) -> nn.Module:
    """Return what `FlatClusters.predict` computes, as a module: codes to cluster numbers.

    Parameters
    ----------
    clusters : FlatClusters

    Raises
    ------
    InputError
        For a clustering method that is not known here.
    """
    model, width = clusters.model, len(clusters.preparation.shift)
    if "centres" in model:
        head: nn.Module = ByCentre(model["centres"][model["order"]])
    elif "means" in model:
        head = ByGaussian(model)
    elif "fitted" in model:
        head = ByNearest(model["fitted"], numbered(model["found"], model))
    else:
        raise InputError(
            "clusters to export must have centres, Gaussians or fitted rows",
            got=f"clusters by {clusters.method}",
            do="Use `pictree predict` or `pictree serve`",
        )
    # k-means without standardising takes codes as they are, whatever their mean.
    parts = clusters.preparation
    as_they_are = (parts.scale == 1).all() and not len(parts.components)
    if as_they_are and ("centres" in model or not parts.shift.any()):
        return head
    components = parts.components if len(parts.components) else np.zeros((0, width))
    return nn.Sequential(Prepare(parts.shift, parts.scale, components), head)


def _float(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values, np.float32))
