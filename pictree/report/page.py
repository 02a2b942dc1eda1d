"""The report: one HTML file with everything inside."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pictree.files import write_text
from pictree.report import added, odd, quality, summary, views
from pictree.report.cards import MOST_CARDS, choose_cards
from pictree.report.effort import effort_view
from pictree.report.figures import MAP_NAMES, draw_absent
from pictree.report.gather import Findings, gather
from pictree.report.leaks import leak_view
from pictree.report.live.data import live_data
from pictree.report.live.near import NearDuplicates, near_duplicates
from pictree.report.losses import loss_view
from pictree.report.mosaic import mosaic
from pictree.report.palette import Groups, groups_of
from pictree.report.script import packaged, script
from pictree.report.tree_view import tree_view
from pictree.report.words import figure, shown
from pictree.store import Run

if TYPE_CHECKING:
    from jinja2 import Environment


def write_report(run: Run) -> Path:
    """Draw the pictures that are absent, and write report.html.

    While a stage of the run is not done the page says so at its top, and no picture is drawn: the
    clusters may still change, and a picture that is there is not drawn again.

    Parameters
    ----------
    run : Run
        Inventory, pixels, codes, clusters and metrics are needed; what else is absent (maps,
        reconstructions, losses, known labels) is said in a sentence.

    Returns
    -------
    Path
        Of report.html. It needs no network and no other file; the same run gives the same bytes.

    Raises
    ------
    RunError
        If a needed file of the run is absent or damaged, or the folder can't be written.
    """
    found = gather(run)
    cards = choose_cards(found)
    colourings = _colourings(found)
    mosaics = {
        method: mosaic(points, found.pixels, colourings["clusters"])
        for method, points in found.maps.items()
    }
    drawn = {method: image for method, (image, _) in mosaics.items()}
    tree = tree_view(found)
    unfinished = summary.unfinished(found.info)
    if unfinished is None:
        draw_absent(run.path / "pictures", found, cards, colourings, drawn, tree)
    known = colourings.get("known")
    clusters = views.card_views(found, cards, known)
    near = near_duplicates(found)
    on_maps = unfinished is None and bool(found.maps)
    data = live_data(found, near, run.path / "pictures", whole=on_maps)
    context = {
        **_texts(found),
        **_near(found, near),
        "data": data,
        "tables": {blob.name.removeprefix("csv-") for blob in data},
        "tree": tree,
        "unfinished": unfinished,
        "maps_wait": "maps" in summary.waiting_stages(found.info),
        "clusters": [view for view in clusters if view.strips],
        "small": [view for view in clusters if not view.strips],
        "most_cards": MOST_CARDS,
        "known_legend": known.legend if known else [],
        "maps": views.map_views(found, colourings, mosaics),
        "missing": _missing(found),
    }
    path = run.path / "report.html"
    write_text(path, render(context))
    return path


def _colourings(found: Findings) -> dict[str, Groups]:
    clusters = Groups(found.labels, [str(c) for c in range(found.k)], "noise")
    if found.known is None:
        return {"clusters": clusters}
    named = [None if label is None else shown(label) for label in found.known]
    return {"clusters": clusters, "known": groups_of(named, "no known label")}


def _missing(found: Findings) -> list[tuple[str, str]]:
    said = found.info.get("maps_missing") or {}
    return [(MAP_NAMES.get(method, method), shown(str(why))) for method, why in said.items()]


def _near(found: Findings, near: NearDuplicates) -> dict[str, Any]:
    return {
        "near": odd.near_pairs(found, near),
        "n_near": len(near.pairs),
        "near_limit": figure(near.limit, 4),
        "near_usual": figure(near.usual, 4),
        "leaks": leak_view(found, near),
    }


def _texts(found: Findings) -> dict[str, Any]:
    return {
        "headline": summary.headline(found),
        "verdict": found.metrics.get("verdict") or [],
        "doubt": quality.doubt(found.metrics),
        "facts": summary.facts(found),
        "stages": summary.stages(found),
        "command": summary.command(found),
        "versions": summary.versions(found),
        "recipe": found.recipe,
        "quality": quality.quality(found),
        "effort": effort_view(found.metrics),
        "shortlist": quality.shortlist(found),
        "next": summary.next_steps(found),
        "chosen_k": str(found.k),
        "given": summary.given(found),
        "restored": views.restored_views(found),
        "loss": loss_view(found),
        "learned": summary.learning(found.info),
        "duplicates": odd.duplicates(found),
        "n_duplicates": int((found.inventory["outcome"] == "duplicate").sum()),
        "added": added.piles(found),
        "news": added.news(found),
        "unlike": added.unlike(found),
        "worst": odd.worst_restored(found),
        "far": odd.farthest(found),
        "problems": odd.problems(found),
        "n_problems": sum(n for _, n in odd.outcomes(found)),
        "most_listed": odd.MOST_LISTED,
    }


def render(context: dict[str, Any]) -> str:
    """Fill the template; all texts of ``context`` are escaped."""
    from markupsafe import Markup

    css, code = packaged("page.css") + packaged("assets/live.css"), script()
    return (
        templates()
        .get_template("page.html")
        .render(
            context,
            css=Markup(css),  # noqa: S704 - our own file
            script=Markup(code),  # noqa: S704
            css_hash=_hash(css),
            script_hash=_hash(code),
        )
    )


@cache
def templates() -> Environment:
    """Return what reads and compiles the page's templates, each once: a fit writes two reports."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(packaged),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy calls an inline text that it allows."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
