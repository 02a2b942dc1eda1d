"""What was done and how good it is, in words and figures."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pictree.evaluation.baselines import FLOORS, ON_CODES
from pictree.report.added import named
from pictree.report.gather import Findings
from pictree.report.odd import outcomes_in_words
from pictree.report.words import count, counted, duration, figure, shown

_METHODS = {
    "kmeans": "k-means",
    "gmm": "Gaussian mixture",
    "hdbscan": "HDBSCAN",
    "tree": "a tree of the images' neighbours",
    "dec": "deep embedded clustering",
}
_CLUSTERED = {
    "all": "all images",
    "train": "the images that the network was trained on; the others were predicted",
    "validation": "the held-out images; the others were predicted",
}
_STAGES = {
    "choose": "comparing pixels with features",
    "stock": "reading the pictures",
    "learn": "training the network",
    "encode": "computing codes",
    "codes": "taking the given codes",
    "features": "looking at the pictures",
    "group": "clustering",
    "judge": "judging",
    "rounds": "learning after the first clusters",
    "adopt": "taking what was learned",
    "judge again": "judging again",
    "maps": "drawing maps",
}
_STILL = {
    "rounds": "these are the first clusters, and learning goes on",
    "adopt": "",
    "judge again": "",
    "maps": "the maps are still to be drawn",
}
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


def headline(found: Findings) -> str:
    """Return ``10,000 images in 10 clusters``."""
    return f"{counted(len(found.labels), 'image')} in {counted(found.k, 'cluster')}"


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


def unfinished(info: dict[str, Any]) -> str | None:
    """Return what a page says of a run that still goes on, or None for a finished one."""
    waiting = waiting_stages(info)
    if not waiting:
        return None
    told = [_STILL.get(name, f"{_STAGES[name]} is still to come") for name in waiting]
    still = " and ".join(words for words in told if words)
    end = "they are" if waiting == ["maps"] else "that is done"
    return (
        f"First report: {still}; this page is written again when {end}. "
        "If the run was stopped, the same command with --resume goes on with it."
    )


def waiting_stages(info: dict[str, Any]) -> list[str]:
    """Return the names of the stages that have begun or wait, in their order."""
    states = info.get("stages", {})
    return [name for name in _STAGES if name in states and states[name]["state"] != "done"]


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


def facts(found: Findings) -> list[tuple[str, str]]:
    """Return what was done, as terms and their texts."""
    info, metrics = found.info, found.metrics
    copies = int((found.inventory["outcome"] == "duplicate").sum())
    fmt = metrics.get("image_format") or info.get("image_format") or {}
    stages = _stages(info)
    terms = [
        ("Files", counted(found.inventory.height, "file") + " found"),
        ("Used", counted(len(found.labels), "image")),
        ("Duplicates", count(copies) if copies else "none"),
        ("Left out", outcomes_in_words(found)),
        ("Size and colour", _format(fmt)),
        ("Codes", _codes(info)),
        ("Choice", (info.get("choice") or {}).get("reason", "")),
        ("Clusters", _method(found)),
        ("Recipe", _text(info.get("recipe"))),
        ("Learning", _learning(info)),
        ("Seed", _text(info.get("seed"))),
        ("Time", _time(stages, info)),
        ("Memory", f"{count(round(info['peak_mb']))} MB at most" if info.get("peak_mb") else ""),
        ("Hardware", _hardware(info.get("hardware") or {})),
        ("Device", _text((info.get("device") or {}).get("reason"))),
    ]
    return [(term, text) for term, text in terms if text]


def _format(fmt: dict[str, Any]) -> str:
    if not fmt:
        return ""
    colour = "grey" if fmt["channels"] == 1 else "colour"
    reason = f": {fmt['reason']}" if fmt.get("reason") else ""
    return f"{fmt['height']} × {fmt['width']} pixels, {colour}{reason}"


def given(found: Findings) -> dict[str, str] | None:
    """Return file, table and SHA-256 of codes that came from outside; None where we made them.

    Of features: the network, the table and the SHA-256 of its weights.
    """
    codes, features = found.info.get("codes"), found.info.get("features")
    if features:
        table = f"{counted(features['width'], 'number')} for each image"
        network = shown(features["network"])
        return {"network": network, "file": "", "table": table, "sha256": features["sha256"]}
    if not codes:
        return None
    table = f"{counted(codes['shape'][0], 'row')} of {counted(codes['shape'][1], 'number')}"
    return {"network": "", "file": shown(codes["file"]), "table": table, "sha256": codes["sha256"]}


def _codes(info: dict[str, Any]) -> str:
    codes, features = info.get("codes"), info.get("features")
    if features:
        width = counted(features["width"], "number")
        return f"{width} for each image, seen by {shown(features['network'])}; nothing was trained"
    if not codes:
        return ""
    width = counted(codes["shape"][1], "number")
    return f"{width} for each image, given in {shown(codes['file'])}; nothing was trained"


def _method(found: Findings) -> str:
    method = str(found.metrics.get("method", ""))
    fitted = _CLUSTERED.get(str(found.metrics.get("clustered")), "all images")
    if found.added is not None:
        fitted = fitted.replace("all images", "all images of the fit")
    clusters = counted(found.k, "cluster")
    if found.tree is not None:
        leaves = counted(found.tree.n_leaves, "leaf").replace("leafs", "leaves")
        clusters = f"{leaves}, cut into {clusters}"
    return f"{_METHODS.get(method, method)}, {clusters}, fitted on {fitted}"


def _learning(info: dict[str, Any]) -> str:
    told = info.get("rounds")
    if not told:
        return ""
    if told["started"] is None:
        changed = f"{told['rows'][-1]['changed']:.2%} of the images changed cluster in the last"
        return f"{counted(len(told['rows']), 'update')} of the target: {changed}"
    agree = f"the tree's runs agreed at {told['started']:.2f} before and {told['ended']:.2f} after"
    end = "the result was kept" if told["kept"] else "the instant tree was kept"
    unit = "round" if "round" in told["rows"][0] else "epoch"
    return f"{counted(len(told['rows']), unit)}: {agree}, so {end}"


def _hardware(value: dict[str, Any]) -> str:
    cores, memory = value.get("cores"), value.get("memory_gib")
    parts = (
        value.get("processor"),
        counted(cores, "core") if cores else None,
        f"{memory} GiB of memory" if memory else None,
        value.get("system"),
    )
    return shown(", ".join(part for part in parts if part))


def _stages(info: dict[str, Any]) -> list[tuple[str, float]]:
    """Words and seconds of the stages before the report, which can't time itself."""
    done = info.get("stages", {})
    return [
        (words, done[name]["seconds"])
        for name, words in _STAGES.items()
        if name in done and done[name]["state"] == "done"
    ]


def _time(stages: list[tuple[str, float]], info: dict[str, Any]) -> str:
    if not stages:
        return ""
    so_far = " so far" if waiting_stages(info) else ""
    return duration(sum(seconds for _, seconds in stages)) + so_far


def stages(found: Findings) -> list[tuple[str, str]]:
    """Return name and time of each stage."""
    return [(name, duration(seconds)) for name, seconds in _stages(found.info)]


def command(found: Findings) -> str:
    """Return the exact commands, a line each, or nothing where the run was made from Python."""
    values = [entry.get("command") for entry in [found.info, *(found.info.get("added") or [])]]
    lines = [shlex.join(value) if isinstance(value, list) else str(value or "") for value in values]
    return "\n".join(shown(line) for line in lines if line)


def versions(found: Findings) -> list[tuple[str, str]]:
    """Return the name and version of each package."""
    value = found.info.get("versions")
    if isinstance(value, dict):
        return [(str(name), str(version)) for name, version in value.items()]
    return [("pictree", str(found.info["version"]))] if "version" in found.info else []


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


def loss_rows(found: Findings) -> list[dict[str, Any]]:
    """Return the epochs whose loss is a number."""
    return [row for row in found.log if math.isfinite(row.get("loss", math.nan))]


def _text(value: Any) -> str:
    return "" if value is None else shown(str(value))
