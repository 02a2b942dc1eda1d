"""How t-SNE's points push each other away: by a grid, interpolation and fast Fourier transforms.

As Linderman et al. (2019) do it: forces are potentials of the points' charges; each point's charge
is spread over 3×3 nodes of a regular grid, the potentials there are a convolution, and each point
takes them from its 3×3 nodes. Unlike in openTSNE's own code the transforms are real and float32,
the kernel's is kept as long as the grid's spacing and size stay, and the sum of all kernels is
taken from the charges' transform.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

NODES = 3
FEWEST_INTERVALS = 50
"""openTSNE's: finer where the map is small."""

_STEP = 1.05
"""Spacings come in steps of this size, so that the kernel's transform serves many rounds."""


def is_known() -> bool:
    """Tell whether openTSNE has the attracting forces by the name that `Forces` calls."""
    try:
        from openTSNE import _tsne
    except ImportError:
        return False
    return hasattr(_tsne, "estimate_positive_gradient_nn")


class Forces:
    """An objective for openTSNE's descent: `Forces(jobs)` in place of "fft" or "bh".

    Parameters
    ----------
    jobs : int
        Threads.
    """

    def __init__(self, jobs: int) -> None:
        self._jobs = jobs

    def __call__(
        self,
        embedding: Any,
        P: Any,
        dof: float,
        should_eval_error: bool = False,
        **_: Any,
    ) -> tuple[float, np.ndarray]:
        """Return the divergence, where it is asked for, and the gradient, as openTSNE's own do."""
        from openTSNE import _tsne

        points = np.ascontiguousarray(embedding, dtype=np.float64)
        gradient, total = push(points, self._jobs)
        sum_p, divergence = _tsne.estimate_positive_gradient_nn(
            P.indices,
            P.indptr,
            P.data,
            points,
            points,
            gradient,
            dof,
            num_threads=self._jobs,
            should_eval_error=should_eval_error,
        )
        if should_eval_error:
            divergence += sum_p * np.log(total + np.finfo(np.float64).eps)
        return divergence, gradient


def push(points: np.ndarray, jobs: int = 1) -> tuple[np.ndarray, float]:
    """Return the repelling part of t-SNE's gradient.

    Parameters
    ----------
    points : float64 (n, 2)
    jobs : int
        Threads of the transforms.

    Returns
    -------
    gradient : float64 (n, 2)
        Of Student's t of one degree of freedom; to be added to the attracting part.
    total : float
        Sum of the kernel over all pairs of two different points.
    """
    spread, spacing, size = _grid(points)
    moved = points - points.mean(axis=0)  # float32 tells small differences near zero alone
    charges = np.column_stack([np.ones(len(points)), moved])
    on_grid = (spread.T @ charges).T.reshape(3, size, size)
    potentials, total = _convolved(on_grid, spacing, jobs)
    found = spread @ potentials.reshape(3, -1).T
    total -= len(points)  # each point's kernel with itself is 1
    return (found[:, 1:] - moved * found[:, :1]) / total, total


def _grid(points: np.ndarray) -> tuple[Any, float, int]:
    """Return the weights of each point's nodes (n, size²), the nodes' distance and their number."""
    from scipy import sparse

    low, high = points.min(axis=0), points.max(axis=0)
    width = max(float((high - low).max()), 1e-12)
    finest = min(1.0, width / FEWEST_INTERVALS)
    interval = min(1.0, _STEP ** np.ceil(np.log(finest) / np.log(_STEP)))
    size = NODES * _good_size(int(width / interval) + 1)
    placed = (points - low) / interval
    cell = placed.astype(np.int32)
    weights = _lagrange(placed - cell)
    first = NODES * cell
    n, count = len(points), NODES * NODES
    values = (weights[:, 0, :, None] * weights[:, 1, None, :]).reshape(-1)
    steps = np.arange(NODES, dtype=np.int32)
    rows = (first[:, 0, None] + steps) * np.int32(size)
    columns = first[:, 1, None] + steps
    at = (rows[:, :, None] + columns[:, None, :]).reshape(-1)
    ends = np.arange(0, count * n + 1, count, dtype=np.int32)
    return sparse.csr_matrix((values, at, ends), shape=(n, size * size)), interval / NODES, size


def _good_size(intervals: int) -> int:
    """Intervals whose nodes, twice, are a quick size for a transform; few different ones."""
    from scipy.fft import next_fast_len

    while next_fast_len(2 * NODES * intervals, real=True) != 2 * NODES * intervals:
        intervals += 1
    return intervals


def _lagrange(inside: np.ndarray) -> np.ndarray:
    """Weights of the three nodes 1/6, 1/2, 5/6 for a place within an interval, (n, 2, 3)."""
    u = 3 * inside - 1.5  # the nodes are -1, 0, 1
    return np.stack([u * (u - 1) / 2, 1 - u * u, u * (u + 1) / 2], axis=-1)


def _convolved(on_grid: np.ndarray, spacing: float, jobs: int) -> tuple[np.ndarray, float]:
    """Potentials of the squared kernel at the nodes, and the sum of the kernel over all pairs."""
    from scipy import fft

    size = on_grid.shape[1]
    long = 2 * size
    kernel, squared = _kernels(spacing, size)
    charges = fft.rfft(on_grid.astype(np.float32), n=long, axis=2, workers=jobs)
    charges = fft.fft(charges, n=long, axis=1, overwrite_x=True, workers=jobs)
    ones = charges[0].real ** 2 + charges[0].imag ** 2
    double = np.full(charges.shape[2], 2.0)
    double[[0, -1]] = 1  # the others stand for two: themselves and their mirror
    total = float((ones * kernel).sum(axis=0, dtype=np.float64) @ double) / long**2
    charges *= squared
    back = fft.ifft(charges, axis=1, overwrite_x=True, workers=jobs)[:, :size]
    return fft.irfft(back, n=long, axis=2, workers=jobs)[:, :, :size], total


@lru_cache(maxsize=4)
def _kernels(spacing: float, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Transform Student's kernel and its square on a grid twice as large; both become real."""
    from scipy import fft

    away = np.minimum(np.arange(2 * size), 2 * size - np.arange(2 * size)) * spacing
    kernel = 1 / (1 + away[:, None] ** 2 + away[None] ** 2)
    made = [fft.rfft2(of).real.astype(np.float32) for of in (kernel, kernel**2)]
    return made[0], made[1]
