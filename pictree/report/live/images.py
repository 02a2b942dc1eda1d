"""What the page knows of each image: place on the maps, cluster, leaf, label, confidence, path."""

from __future__ import annotations

import json

import numpy as np
import polars as pl

from pictree.report.gather import Findings
from pictree.report.live.pack import Blob, numbers, smallest, text

OUTCOMES = ("used for learning", "held out", "added later", "added later: unknown kind")
_STEPS = 65_535


def image_blobs(found: Findings, leaves: np.ndarray | None) -> list[Blob]:
    """Return a value for each used image of everything that the map can be coloured by."""
    blobs = [
        numbers("ids", np.diff(found.ids.astype(np.uint32), prepend=np.uint32(0))),
        numbers("cluster", smallest(found.labels)),
        numbers("outcome", outcome(found)),
        numbers("copies", smallest(copies_of(found))),
        text("paths", "\n".join(json.dumps(path, ensure_ascii=False) for path in found.paths)),
    ]
    if leaves is not None:
        blobs.append(numbers("leaf", smallest(leaves)))
    if found.known is not None:
        names = known_names(found.known)
        place = {name: i for i, name in enumerate(names)}
        of_image = np.array([-1 if k is None else place[k] for k in found.known], np.int64)
        blobs.append(numbers("known", smallest(of_image)))
    if not np.isnan(found.confidence).all():
        blobs.append(numbers("confidence", shares(found.confidence)))
    blobs += [numbers(f"map-{name}", quantised(points)) for name, points in found.maps.items()]
    return blobs


def known_names(known: list[str | None]) -> list[str]:
    """Return the known labels, each once, sorted as text."""
    return sorted({label for label in known if label is not None})


def outcome(found: Findings) -> np.ndarray:
    """Return each image's place in `OUTCOMES`, uint8 (n,)."""
    used = found.inventory.filter(pl.col("outcome") == "used")
    found_as = np.where((used["split"] == "validation").to_numpy(), 1, 0).astype(np.uint8)
    found_as[found.is_added] = 2
    if found.added is not None:
        unknown = found.added.filter("unknown")["id"]
        found_as[np.isin(found.ids, unknown.to_numpy()) & found.is_added] = 3
    return found_as


def copies_of(found: Findings) -> np.ndarray:
    """Return how many duplicates each used image has, int (n,)."""
    originals = found.inventory["duplicate_of"].drop_nulls().to_numpy()
    return np.bincount(np.searchsorted(found.ids, originals), minlength=len(found.ids))


def shares(values: np.ndarray) -> np.ndarray:
    """Return shares from 0 to 1 in steps of 1/200, uint8; 255 for NaN."""
    steps = np.clip(np.nan_to_num(values) * 200, 0, 200).round()
    return np.where(np.isnan(values), 255, steps).astype(np.uint8)


def quantised(points: np.ndarray) -> np.ndarray:
    """Return a map's places in 65,536 steps, uint16 (n, 2), both axes alike, from 0 on."""
    low, span = points.min(0), float(np.ptp(points, axis=0).max()) or 1.0
    return ((points - low) / span * _STEPS).round().astype(np.uint16)


def along_map(points: np.ndarray) -> np.ndarray:
    """Return the rows in the order of a Z-shaped curve over a map: near ones stay together."""
    steps = quantised(points).astype(np.uint64)
    return np.argsort(_spread(steps[:, 0]) | _spread(steps[:, 1]) << np.uint64(1), kind="stable")


def _spread(bits: np.ndarray) -> np.ndarray:
    """Put an empty bit before each of 16 bits (Morton 1966)."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | bits << np.uint64(shift)) & np.uint64(mask)
    return bits
