"""What was added to the run since the fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from pictree.report.gather import Findings
from pictree.report.odd import MOST_ODD, Odd, odd
from pictree.report.words import counted, shown

MANY = 0.05
"""Share of added pictures that are unlike the run's from which on a new fit is advised."""


def piles(found: Findings) -> list[str]:
    """Return a sentence for each pile of pictures that joined the run."""
    return [_pile(pile) for pile in found.info.get("added") or []]


def _pile(pile: dict[str, Any]) -> str:
    rest = {"duplicates": pile["duplicates"], **pile["problems"]}
    listed = ", ".join(f"{n:,} {what}" for what, n in rest.items() if n)
    of = f", of {counted(pile['items'], 'file')} ({listed})" if listed else ""
    odd_ones = f" {pile['unknown']:,} unlike anything in the fit." if pile["unknown"] else ""
    return f"{named(pile)}: {counted(pile['used'], 'picture')}{of}.{odd_ones}"


def named(pile: dict[str, Any]) -> str:
    """Return ``Added on 2026-11-22 from holiday`` for an entry of run.json's ``added``."""
    names = ", ".join(part["name"] for part in pile["sources"])
    return f"Added on {pile['time'][:10]} from {shown(names)}"


def news(found: Findings) -> list[str]:
    """Return what should be done about added pictures, if anything."""
    return [said for pile in found.info.get("added") or [] if (said := advice(pile))]


def advice(pile: dict[str, Any]) -> str | None:
    """Say what to do where many of the added pictures are unlike anything in the run.

    Parameters
    ----------
    pile : dict
        An entry of run.json's ``added``.

    Returns
    -------
    str or None
        A sentence without a full stop, from 5 % on.
    """
    unknown, placed = pile["unknown"], pile["used"] + pile["duplicates"]
    if unknown < max(1, MANY * placed):
        return None
    are = "is" if unknown == 1 else "are"
    return (
        f"{unknown:,} of {placed:,} {are} unlike anything in the run: fit again with both piles to "
        "find new kinds"
    )


def unlike_rows(found: Findings) -> pl.DataFrame:
    """Return id and distance of the added images that are unlike anything in the fit."""
    if found.added is None or not found.info.get("unknown_distance"):
        return pl.DataFrame(schema={"id": pl.UInt32, "distance": pl.Float32})
    used = pl.DataFrame({"id": found.ids})
    table = found.added.filter("unknown").join(used, on="id", how="semi")
    return table.sort("distance", "id", descending=[True, False]).select("id", "distance")


def unlike(found: Findings) -> list[Odd]:
    """Return the oddest of `unlike_rows` as pictures."""
    table = unlike_rows(found).head(MOST_ODD)
    rows = np.searchsorted(found.ids, table["id"].to_numpy())
    limit = found.info.get("unknown_distance") or 1.0
    far = [f"{distance / limit:.2f} × the limit" for distance in table["distance"]]
    return [odd(found, int(row), says) for row, says in zip(rows, far, strict=True)]
