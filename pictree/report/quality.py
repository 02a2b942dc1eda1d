"""How good the clusters are: their scores beside the baselines', and other good numbers of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pictree.evaluation.baselines import FLOORS, ON_CODES
from pictree.report.added import named
from pictree.report.gather import Findings
from pictree.report.words import count, counted, figure

_SCORES = (
    (
        "acc",
        "Matched accuracy",
        "The share of images that are right when every cluster gets one known label, each label "
        "once, in the best way. 1 is perfect.",
    ),
    (
        "ari",
        "ARI",
        "Adjusted Rand index: do pairs of images that belong together by their known labels also "
        "share a cluster? 0 is what chance gives, 1 is perfect.",
    ),
    (
        "nmi",
        "NMI",
        "Normalised mutual information: how much the cluster tells about the known label. "
        "0 is nothing, 1 is all.",
    ),
    (
        "purity",
        "Purity",
        "The share of images that have the commonest known label of their cluster. It grows with "
        "the number of clusters, so compare it for equal numbers only.",
    ),
    (
        "silhouette",
        "Silhouette",
        "How much nearer an image lies to its own cluster than to the next one, from −1 to 1. "
        "It needs no known labels, and is comparable only between clusterings of the same codes.",
    ),
    (
        "agreement",
        "Agreement",
        "How alike the clusterings from different random seeds, or a tree's runs, are (mean ARI). "
        "1 is the same every time; clusters below 0.5 are mostly luck.",
    ),
)


@dataclass(frozen=True)
class Quality:
    """The table of scores.

    Attributes
    ----------
    columns : list of (str, str)
        Name and explanation of each score that any row has.
    rows : list of (str, list of str)
        Name of the method, and a text per column: ``0.522 ± 0.004``.
    notes : list of str
        Sentences below the table.
    """

    columns: list[tuple[str, str]]
    rows: list[tuple[str, list[str]]]
    notes: list[str]


def doubt(metrics: dict[str, Any]) -> str | None:
    """Return the honest doubt where the result beats no baseline, or None."""
    ours, plain, floors = metrics.get("scores"), metrics.get("baselines") or [], FLOORS.values()
    scored = [b for b in plain if "acc" in (b.get("scores") or {}) and b["name"] not in floors]
    if not ours or not scored:
        return None
    best = max(scored, key=lambda b: b["scores"]["acc"])
    margin = max(0.01, best.get("deviations", {}).get("acc", 0.0))
    if ours["acc"] > best["scores"]["acc"] + margin:
        return None
    does = "does as well" if ours["acc"] >= best["scores"]["acc"] - margin else "does better"
    what = "Better clusters than plain ones were not found here"
    if best["name"] == ON_CODES:
        what = "The clustering added nothing to the codes here"
    elif any(b["name"] == ON_CODES for b in plain):
        what = "These codes were not worth their time here"
    return (
        f"{what}: {best['name']} {does}. "
        "Take these clusters as a first look at the pile, not as an answer."
    )


def quality(found: Findings) -> Quality:
    """Return our scores beside the baselines'."""
    metrics = found.metrics
    ours = {**(metrics.get("scores") or {}), "silhouette": metrics.get("silhouette")}
    rows = [_row("These clusters", {**ours, "agreement": metrics.get("agreement")}, metrics)]
    if metrics.get("held_out"):
        rows.append(_row("The same, on held-out images", metrics["held_out"], {}))
    for pile, scores in zip(
        found.info.get("added") or [], metrics.get("added") or [], strict=False
    ):
        rows += [_row(named(pile), scores, {})] if scores else []
    for plain in metrics.get("baselines") or []:
        scores = {**(plain.get("scores") or {}), "agreement": plain.get("agreement")}
        rows.append(_row(plain["name"], scores, plain))
    there = [i for i, _ in enumerate(_SCORES) if any(cells[i] != "–" for _, cells in rows)]
    return Quality(
        [_SCORES[i][1:] for i in there],
        [(name, [cells[i] for i in there]) for name, cells in rows],
        _notes(found),
    )


def _row(name: str, scores: dict[str, Any], spread: dict[str, Any]) -> tuple[str, list[str]]:
    deviations = spread.get("deviations") or {}
    cells = []
    for key, _, _ in _SCORES:
        text = figure(scores.get(key))
        cells.append(f"{text} ± {figure(deviations[key])}" if deviations.get(key) else text)
    return name, cells


def _notes(found: Findings) -> list[str]:
    metrics, notes = found.metrics, []
    n, measured = int((~found.is_added).sum()), metrics.get("silhouette_sample")
    if metrics.get("silhouette") is not None and measured:
        drawn = f", drawn at random from {count(n)}" if measured < n else ""
        notes.append(f"The silhouette was measured on {counted(measured, 'image')}{drawn}.")
    elif metrics.get("silhouette_reason"):
        notes.append(f"There is no silhouette: {metrics['silhouette_reason']}.")
    if any(b.get("deviations") for b in metrics.get("baselines") or []):
        notes.append("± is the standard deviation over seeds.")
    if metrics.get("added"):
        notes.append(
            "The scores of these clusters are the fit's. Pictures that were added since were put "
            "into them, and are scored apart where their labels are known."
        )
    if metrics.get("scores") or any(metrics.get("added") or []):
        notes.append("Known labels were used for these scores and for nothing else.")
    else:
        notes.append(
            "There are no known labels here, so no figure can say whether these clusters are the "
            "kinds that you have in mind. Look at the pictures."
        )
    return notes


def shortlist(found: Findings) -> list[tuple[str, str, str, str]]:
    """Return k, score, reason and command of each candidate, where there was a choice.

    The command cuts the tree; it is empty for the clusters shown, and where there is no tree.
    """
    candidates: Sequence[dict[str, Any]] = found.metrics.get("k_shortlist") or []
    if len(candidates) < 2:
        return []
    return [
        (str(c["k"]), figure(c.get("score")), str(c.get("reason", "")), _cut(found, int(c["k"])))
        for c in candidates
    ]


def _cut(found: Findings, k: int) -> str:
    can = found.tree is not None and k != found.k and k <= found.tree.n_leaves
    return f"pictree cut RUN --k {k}" if can else ""
