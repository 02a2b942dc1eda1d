"""What was done, in words and figures."""

from __future__ import annotations

import shlex
from typing import Any

from pictree.images.outcome import FIRST_PAGE
from pictree.report.gather import Findings
from pictree.report.odd import outcomes_in_words
from pictree.report.words import count, counted, duration, shown

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


def headline(found: Findings) -> str:
    """Return ``10,000 images in 10 clusters``."""
    return f"{counted(len(found.labels), 'image')} in {counted(found.k, 'cluster')}"


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


def facts(found: Findings) -> list[tuple[str, str]]:
    """Return what was done, as terms and their texts."""
    info, metrics = found.info, found.metrics
    copies = int((found.inventory["outcome"] == "duplicate").sum())
    fmt = metrics.get("image_format") or info.get("image_format") or {}
    stages = _stages(info)
    terms = [
        ("Files", counted(found.inventory.height, "file") + " found"),
        ("Used", counted(len(found.labels), "image") + _first_pages(found)),
        ("Duplicates", count(copies) if copies else "none"),
        ("Left out", outcomes_in_words(found)),
        ("Size and colour", _format(fmt)),
        ("Codes", _codes(info)),
        ("Choice", (info.get("choice") or {}).get("reason", "")),
        ("Clusters", _method(found)),
        ("Recipe", _text(info.get("recipe"))),
        ("Learning", learning(info)),
        ("Seed", _text(info.get("seed"))),
        ("Time", _time(stages, info)),
        ("Memory", f"{count(round(info['peak_mb']))} MB at most" if info.get("peak_mb") else ""),
        ("Hardware", _hardware(info.get("hardware") or {})),
        ("Device", _text((info.get("device") or {}).get("reason"))),
    ]
    return [(term, text) for term, text in terms if text]


def _first_pages(found: Findings) -> str:
    pages = int((found.inventory["reason"] == FIRST_PAGE).sum())
    return f", {count(pages)} of them the first page of several in a file" if pages else ""


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


def learning(info: dict[str, Any]) -> str:
    """Return what came of learning after the first clusters; "" where nothing was learned so."""
    told = info.get("rounds")
    if not told:
        return ""
    if told["started"] is None:
        changed = f"{told['rows'][-1]['changed']:.2%} of the images changed cluster in the last"
        return f"{counted(len(told['rows']), 'update')} of the target: {changed}"
    agree = f"agreement {told['started']:.2f} before and {told['ended']:.2f} after"
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


def next_steps(found: Findings) -> list[tuple[str, str]]:
    """Return what people do with a run, each with its command."""
    codes = " --codes NEW.npy" if found.info.get("codes") else ""
    steps = [
        ("Name the clusters, hundreds of pictures at a time", "pictree label RUN"),
        ("Where new pictures belong", f"pictree predict RUN NEW{codes} -o new.csv"),
        ("Let new pictures join", f"pictree add RUN NEW{codes}"),
        ("List odd pictures, or duplicates, or mislabelled ones", "pictree find outliers RUN"),
        ("Sort copies into a folder for each cluster", "pictree export RUN --to folders -o sorted"),
        ("A table of all pictures", "pictree export RUN --to csv -o pictures.csv"),
    ]
    return steps if found.tree is None else [*steps, ("Other clusters", "pictree cut RUN --k 20")]


def _text(value: Any) -> str:
    return "" if value is None else shown(str(value))
