"""The model card: what data, how made, how good, what for and what not, in Markdown."""

from __future__ import annotations

from typing import Any

from pictree.files import sha256_of
from pictree.report.quality import doubt
from pictree.report.words import counted, figure, shown
from pictree.store import Run

_USE = {
    "onnx": """\
    session = onnxruntime.InferenceSession("model.onnx")
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"pixels": pixels})))
""",
    "torch-export": """\
    model = torch.export.load("model.pt2").module()
    found = model(torch.from_numpy(pixels))
""",
}
_IMPORTS = {"onnx": "import onnxruntime", "torch-export": "import torch"}

_SCORES = (("acc", "matched accuracy"), ("ari", "ARI"), ("nmi", "NMI"), ("purity", "purity"))


def model_card(run: Run, found: dict[str, Any], about: dict[str, Any]) -> str:
    """Return the model card of an exported model.

    Parameters
    ----------
    run : Run
    found : dict
        What was exported; see `pictree.deploy.export.export_model`.
    about : dict
        See `pictree.deploy.preprocess.preprocessing`.

    Returns
    -------
    str
        Markdown. No path of this machine is in it.
    """
    parts = [
        "# Model card",
        f"Encoder and clusters of {counted(found['images'], 'picture')}, made by Pictree. It says "
        f"which of {found['k']} clusters a picture belongs to, how sure that is, and which known "
        "pictures are nearest. Nobody's labels trained it.",
        "## Data",
        _data(run),
        "## How it was made",
        _making(run, found),
        "## How good it is",
        _quality(run),
        "## Limits",
        _limits(run),
        "## Use",
        _use(found["to"], about),
    ]
    return "\n\n".join(parts) + "\n"


def in_code(text: str) -> str:
    """Return text as a Markdown code span, whatever is in it."""
    text = shown(text)
    fence = "`"
    while fence in text:
        fence += "`"
    room = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{room}{text}{room}{fence}"


def _list(rows: list[tuple[str, Any]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in rows if value not in (None, ""))


def _data(run: Run) -> str:
    info, metrics = run.info, run.metrics
    names = ", ".join(in_code(source["name"]) for source in info["sources"])
    fmt = info["image_format"]
    bad = sum(metrics["problems"].values())
    return _list(
        [
            ("pictures", f"{names}, {counted(metrics['images'], 'file')}"),
            (
                "used",
                f"{metrics['used']:,}; duplicates {metrics['duplicates']:,}; left out {bad:,}",
            ),
            ("size", f"{fmt['width']} × {fmt['height']} pixels, {_colour(fmt)} ({fmt['reason']})"),
            ("known labels", "for scoring alone" if info.get("known_labels") else "none"),
        ]
    )


def _colour(fmt: dict[str, Any]) -> str:
    return "grey" if fmt["channels"] == 1 else "colour"


def _making(run: Run, found: dict[str, Any]) -> str:
    info = run.info
    versions = info.get("versions") or {}
    used = ", ".join(
        f"{name} {versions[name]}" for name in ("pictree", "torch") if name in versions
    )
    return _list(
        [
            ("recipe", f"{in_code(str(info['recipe']))}, seed {info['seed']}"),
            ("encoder", f"{found['parameters']:,} parameters, a code of {found['code']} numbers"),
            ("clusters", in_code(run.clusters_name)),
            ("versions", used),
            ("SHA-256 of the recipe", in_code(sha256_of(run.path / "recipe.toml"))),
            (
                "SHA-256 of the run's encoder",
                in_code(sha256_of(run.path / "model" / "encoder.safetensors")),
            ),
            (f"SHA-256 of {found['model']}", in_code(found["sha256"])),
        ]
    )


def _quality(run: Run) -> str:
    metrics = run.metrics
    scores = metrics.get("scores") or {}
    rows: list[tuple[str, Any]] = [
        ("agreement of the runs (1: the same every time)", _number(metrics.get("agreement"))),
        ("silhouette", _number(metrics.get("silhouette"))),
    ]
    rows += [(f"{words}, by the known labels", _number(scores.get(k))) for k, words in _SCORES]
    for plain in metrics.get("baselines") or []:
        acc = (plain.get("scores") or {}).get("acc")
        if acc is not None:
            rows.append((f"matched accuracy of {plain['name']}", figure(acc)))
    text = _list(rows) or "No figure was measured."
    if run.clusters_name != run.info["clusters"]:
        text += f"\n\nThese figures are of the fit's own clusters, {in_code(run.info['clusters'])}."
    return text + "\n\nThey are of the pictures that the model was made from, not of new ones."


def _number(value: float | None) -> str:
    return "" if value is None else figure(value)


def _limits(run: Run) -> str:
    info = run.info
    limit = info.get("unknown_distance")
    rows = [
        "It knows the pictures it was made from. Others (another camera, light, kind) may land in "
        "any cluster; look at `unknown` and `distance` before you believe one.",
        "Clusters are what looks alike to the network. Whether they are the kinds that you have in "
        "mind, only a look at the pictures tells.",
        "`pictree predict` gives a byte-for-byte copy of a known picture that picture's stored "
        "place, with confidence 1; this model sees pixels alone, and judges it like any other.",
        "The codes of the pictures are in the file. Who has it can tell whether a picture was "
        "among them.",
    ]
    if limit is None:
        rows.append("There were too few pictures to say when one is unknown: none ever is.")
    doubtful = doubt(run.metrics)
    return "\n".join(f"- {row}" for row in [*([doubtful] if doubtful else []), *rows])


def _use(to: str, about: dict[str, Any]) -> str:
    return f"""\
`preprocess.json` says what a picture goes through first. For pictures of the same shape as
{about["width"]} × {about["height"]}:

    import json
    import numpy as np
    {_IMPORTS[to]}
    from PIL import Image, ImageOps

    about = json.load(open("preprocess.json"))
    image = ImageOps.exif_transpose(Image.open("picture.png")).convert(about["mode"])
    size = about["width"], about["height"]
    if image.size != size:
        image = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=2.0)
    pixels = np.asarray(image, np.float32).reshape(1, size[1], size[0], about["channels"])
    pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)) * np.float32(about["scale"])
{_USE[to].rstrip()}

`found` has `code`; `cluster` (its name and size are in `clusters.csv`; -1 is noise); `confidence`,
the share of the nearest known pictures that are in that cluster; `distance` to the nearest one;
`unknown`, where that is farther than all but 0.5 % of the known ones are from theirs; and
`nearest`, the ids of the nearest known pictures, nearest first. Any number of pictures may be given
at a time."""
