"""A run in a notebook: the last line ``run`` shows what it is, with pictures."""

from __future__ import annotations

from html import escape

import numpy as np

from pictree.deploy.export import cluster_table
from pictree.errors import PictreeError
from pictree.report.cards import Card, choose_cards
from pictree.report.gather import Findings, gather
from pictree.report.quality import doubt, quality
from pictree.report.sheets import data_uri, fitted, strip, to_image
from pictree.report.summary import facts, headline, unfinished
from pictree.report.words import counted, figure, shown
from pictree.store import Run as StoredRun

_CLUSTERS = 12
_PICTURES = 10
_SIDE = 40
_FACTS = ("Files", "Size and colour", "Clusters", "Recipe", "Learning", "Time")

# A notebook's own colours hold, light or dark; styles stand on the elements, since what shows
# notebooks often drops style sheets.
_BOX = "max-width:60em;line-height:1.4"
_CELL = "padding:.25em .8em .25em 0;text-align:left;vertical-align:middle;border:0"
_QUIET = "opacity:.75;white-space:nowrap"


class Run(StoredRun):
    """One run folder; a notebook shows it with pictures. See `pictree.store.Run`.

    Examples
    --------
    >>> from pictree import Run
    >>> run = Run.open("demo-run")  # doctest: +SKIP
    >>> run.used()["path"], run.labels(), run.array("codes")[:5]  # doctest: +SKIP
    """

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    def _repr_html_(self) -> str:
        """Return the summary as HTML that needs nothing beside it; every name is escaped."""
        try:
            return _page(self)
        except PictreeError as error:
            return f"<p>{escape(repr(self))}: {escape(str(error))}</p>"


def _page(run: Run) -> str:
    info = run.info
    if "metrics.json" not in {file.name for file in run.path.iterdir()}:
        return f"<p>{escape(repr(run))}: {escape(unfinished(info) or 'nothing to show yet')}</p>"
    found = gather(run)
    parts = [
        f"<h3 style='margin:.3em 0'>{escape(headline(found))}</h3>",
        *(_sentence(text) for text in (unfinished(info), doubt(found.metrics)) if text),
        _scores(found),
        _clusters(run, found),
        _facts(found),
    ]
    report = run.path / "report.html"
    if report.exists():
        parts.append(_sentence(f"The report: {shown(str(report))}"))
    return f"<div class='pictree-run' style='{_BOX}'>{''.join(parts)}</div>"


def _sentence(text: str) -> str:
    return f"<p style='margin:.3em 0'>{escape(text)}</p>"


def _scores(found: Findings) -> str:
    table = quality(found)
    name, cells = table.rows[0]
    told = [
        f"{escape(column)} <b>{escape(cell)}</b>"
        for (column, _), cell in zip(table.columns, cells, strict=True)
        if cell != figure(None)
    ]
    return f"<p style='margin:.3em 0'>{escape(name)}: {', '.join(told)}</p>" if told else ""


def _clusters(run: Run, found: Findings) -> str:
    cards = choose_cards(found)
    named = dict(cluster_table(run).select("cluster", "label").iter_rows())
    rows = "".join(_row(found, card, named.get(card.cluster)) for card in cards[:_CLUSTERS])
    more = len(cards) - _CLUSTERS
    left = _sentence(f"and {counted(more, 'cluster')} more") if more > 0 else ""
    return f"<table style='border-collapse:collapse;border:0'>{rows}</table>{left}"


def _row(found: Findings, card: Card, label: str | None) -> str:
    name = "noise" if card.cluster < 0 else f"cluster {card.cluster}"
    title = f"{name}: {shown(label)}" if label else name
    chosen = np.concatenate([card.nearest, card.typical])[:_PICTURES]
    images = [fitted(to_image(found.pixels[int(row)]), _SIDE) for row in chosen]
    sheet = strip(images, _PICTURES, gap=3)
    alt = f"{counted(len(chosen), 'picture')} of {title}"
    picture = (
        f"<img src='{data_uri(sheet)}' alt='{escape(alt, quote=True)}' width='{sheet.width}' "
        f"height='{sheet.height}' style='max-width:100%;height:auto'>"
    )
    size = f"<span style='{_QUIET}'>{escape(counted(card.size, 'image'))}</span>"
    return (
        f"<tr style='background:none'><td style='{_CELL}'>{escape(title)}<br>{size}</td>"
        f"<td style='{_CELL}'>{picture}</td></tr>"
    )


def _facts(found: Findings) -> str:
    told = {term: text for term, text in facts(found) if term in _FACTS}
    rows = "".join(
        f"<tr style='background:none'><td style='{_CELL}'>{escape(term)}</td>"
        f"<td style='{_CELL}'>{escape(text)}</td></tr>"
        for term, text in told.items()
    )
    return (
        f"<details><summary>How it was made</summary>"
        f"<table style='border-collapse:collapse;border:0'>{rows}</table></details>"
    )
