"""The digits, read without Pictree: both environments use this."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np


def digits(data: Path, part: str = "train") -> np.ndarray:
    """Return uint8 (n, 28, 28) of "train", "t10k" or "all"."""
    return _read(data, part, "images-idx3", 16).reshape(-1, 28, 28)


def known(data: Path, part: str = "train") -> np.ndarray:
    """Return the labels, for scoring alone."""
    return _read(data, part, "labels-idx1", 8)


def _read(data: Path, part: str, kind: str, start: int) -> np.ndarray:
    if part == "all":
        return np.concatenate([_read(data, one, kind, start) for one in ("train", "t10k")])
    raw = gzip.decompress((data / "mnist" / f"{part}-{kind}-ubyte.gz").read_bytes())
    return np.frombuffer(raw, np.uint8)[start:]


def scatter(points: np.ndarray, labels: np.ndarray, size: int = 800) -> np.ndarray:
    """Draw points, coloured by label, uint8 (size, size, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    at = ((points - low) / (high - low) * (size - 1)).astype(int)
    image = np.full((size, size, 3), 255, np.uint8)
    image[at[:, 1], at[:, 0]] = np.random.default_rng(0).integers(0, 220, (256, 3))[labels]
    return image
