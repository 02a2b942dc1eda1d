"""What is odd, twice there, or broken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pictree.report.gather import Findings
from pictree.report.live.near import NearDuplicates
from pictree.report.sheets import Picture, tile
from pictree.report.words import count, counted, figure, shown

MOST_ODD = 24
MOST_LISTED = 200


@dataclass(frozen=True)
class Odd:
    """One image that stands out: its picture, path, cluster and the figure that says so."""

    picture: Picture
    path: str
    cluster: int
    figure: str


@dataclass(frozen=True)
class Copies:
    """One image that is there more than once: the picture used, and its other files."""

    picture: Picture
    path: str
    copies: list[str]


@dataclass(frozen=True)
class Problem:
    """One file that was left out."""

    path: str
    outcome: str
    reason: str


def worst_rows(found: Findings, most: int = MOST_ODD) -> np.ndarray:
    """Return the rows with the largest reconstruction errors, worst first."""
    if found.errors is None:
        return np.empty(0, int)
    return np.argsort(-found.errors, kind="stable")[:most]


def worst_restored(found: Findings) -> list[Odd]:
    """Return the images with the largest reconstruction errors, worst first."""
    errors = found.errors if found.errors is not None else np.empty(0)
    return [odd(found, row, f"error {figure(float(errors[row]), 4)}") for row in worst_rows(found)]


def far_rows(found: Findings, most: int = MOST_ODD) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that lie farthest from their centre, as their cluster's images go.

    The measure is the distance over the cluster's median distance, so that a wide cluster
    does not take all places. Noise, and clusters of equal images, are left out.

    Returns
    -------
    rows : int array
        Farthest first, all beyond the median.
    times : float array
        Their distances over the median.
    """
    usual = np.full(found.k + 1, np.nan)  # the last one is noise's
    for cluster in np.flatnonzero(found.sizes):
        usual[cluster] = np.median(found.distances[found.labels == cluster])
    usual = usual[found.labels]
    times = np.divide(
        found.distances, usual, out=np.full(len(usual), np.nan), where=np.nan_to_num(usual) > 0
    )
    rows = np.argsort(-times, kind="stable")[:most]
    rows = rows[times[rows] > 1]
    return rows, times[rows]


def farthest(found: Findings) -> list[Odd]:
    """Return the images of `far_rows`."""
    rows, times = far_rows(found)
    far = zip(rows, times, strict=True)
    return [odd(found, int(row), f"{t:.1f} × the usual distance") for row, t in far]


def odd(found: Findings, row: int, says: str) -> Odd:
    """Return used image ``row`` as one that stands out, with the figure that says so."""
    path = shown(found.path(row))
    return Odd(tile(found.pixels[int(row)], path), path, int(found.labels[row]), says)


@dataclass(frozen=True)
class Pair:
    """Two images that are nearly the same: pictures, paths, and how much they differ."""

    pictures: tuple[Picture, Picture]
    paths: tuple[str, str]
    figure: str


def near_pairs(found: Findings, near: NearDuplicates) -> list[Pair]:
    """Return the most alike pairs, at most 24."""
    shown_pairs = zip(near.pairs[:MOST_ODD].tolist(), near.differences, strict=False)
    return [_pair(found, pair, float(difference)) for pair, difference in shown_pairs]


def _pair(found: Findings, rows: list[int], difference: float) -> Pair:
    one, other = (shown(found.path(row)) for row in rows)
    tiles = tile(found.pixels[rows[0]], one), tile(found.pixels[rows[1]], other)
    return Pair(tiles, (one, other), f"difference {figure(difference, 4)}")


def duplicates(found: Findings) -> list[Copies]:
    """Return the images that have copies, in the order of their ids; at most 200."""
    table = (
        found.inventory.filter(
            pl.col("outcome") == "duplicate", pl.col("duplicate_of").is_not_null()
        )
        .group_by("duplicate_of")
        .agg(pl.col("path"))
        .sort("duplicate_of")
        .head(MOST_LISTED)
    )
    result = []
    for original, paths in table.iter_rows():
        row = int(np.searchsorted(found.ids, original))
        path = shown(found.path(row))
        result.append(Copies(tile(found.pixels[row], path), path, _listed(paths)))
    return result


def _listed(paths: list[str]) -> list[str]:
    names = [shown(path) for path in paths[:20]]
    more = len(paths) - len(names)
    return [*names, f"and {counted(more, 'more file')}"] if more else names


def problems(found: Findings) -> list[Problem]:
    """Return the files that were left out, in the order of their ids; at most 200."""
    rows = left_out(found).head(MOST_LISTED).select("path", "outcome", "reason").iter_rows()
    return [Problem(shown(path), outcome, shown(reason or "")) for path, outcome, reason in rows]


def outcomes(found: Findings) -> list[tuple[str, int]]:
    """Return how many files have each outcome that is a problem, the commonest first."""
    counted_ = (
        left_out(found)["outcome"]
        .value_counts()
        .sort(["count", "outcome"], descending=[True, False])
    )
    return [(str(outcome), int(n)) for outcome, n in counted_.iter_rows()]


def outcomes_in_words(found: Findings) -> str:
    """Return ``3 unreadable, 1 empty``, or ``none``."""
    return ", ".join(f"{count(n)} {outcome}" for outcome, n in outcomes(found)) or "none"


def left_out(found: Findings) -> pl.DataFrame:
    """Return the inventory's rows that are neither used nor duplicates."""
    return found.inventory.filter(~pl.col("outcome").is_in(["used", "duplicate"])).sort("id")
