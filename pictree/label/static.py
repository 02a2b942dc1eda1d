"""The label page as one file, without a server: it saves labels.json, which `apply` takes."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pictree.errors import InputError
from pictree.files import write_text
from pictree.label.app import page_files
from pictree.label.session import Session
from pictree.label.views import Views
from pictree.report.sheets import to_image
from pictree.store import Run

COLUMNS, EACH = 32, 1024
"""Thumbnails in a row of a sheet, and on a sheet."""
_SIDE = 40
_MODULES = (
    "dom", "purity", "refused", "replay", "local", "tiles", "gallery", "groups", "figures",
    "naming", "check", "pick", "keys", "main",
)  # fmt: skip


def write_static(run_path: str | Path, file: Path) -> dict[str, Any]:
    """Write a run's label page as one file that needs no server.

    Parameters
    ----------
    run_path : path-like
        A finished run.
    file : Path
        A new file.

    Returns
    -------
    dict
        page (its path), images, megabytes.

    Raises
    ------
    RunError
        If the run is not finished, in use, or damaged.
    InputError
        If the file is there already.
    """
    if file.exists():
        raise InputError("the page must be a new file", got=str(file), do="Choose another name")
    run = Run.open(run_path)
    with run.lock():
        session = Session(run)
        try:
            page = _page(_data(session))
        finally:
            session.close()
    write_text(file, page)
    images = len(session.pile.ids)
    return {"page": str(file), "images": images, "megabytes": round(len(page) / 1e6, 1)}


def fingerprint(session: Session) -> str:
    """Return what tells this run's pictures from any others'."""
    return hashlib.sha256("".join(session.pile.digests).encode()).hexdigest()[:32]


def _data(session: Session) -> dict[str, Any]:
    """Return all that the page needs, as JSON values."""
    views, pile, state = Views(session), session.pile, session.history.state
    whole = views.whole()
    members = {g["key"]: views.members(g["key"]) for g in whole["groups"]}
    order = np.concatenate([pile.rows(np.array(m["ids"])) for m in members.values()])
    groups = [
        {**{k: g[k] for k in ("key", "title", "label", "by", "junk", "expected")},
         "check": _check(members[g["key"]], g["check"])}
        for g in whole["groups"]
    ]  # fmt: skip
    tree = None
    if pile.tree is not None:
        tree = {"leaves": pile.leaves.tolist(), "children": pile.tree.children.tolist()}
    sheets, tile = _sheets(pile.pixels)
    figures = {name: whole["figures"][name] for name in ("decisions", "checks", "labelled")}
    return {
        "run": fingerprint(session), "revision": session.revision, "name": whole["name"],
        "ids": pile.ids.tolist(), "group": state.group.tolist(), "groups": groups,
        "order": order.tolist(), "paths": pile.paths.to_list(), "tree": tree, "tile": tile,
        "sheets": {"columns": COLUMNS, "each": EACH, "files": sheets}, **figures,
    }  # fmt: skip


def _check(members: Mapping[str, Any], figures: dict[str, Any] | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    return {"of": members["of"], "seen": figures["seen"], "wrong": members["wrong"]}


def _sheets(pixels: Any) -> tuple[list[str], list[int]]:
    """Return JPEG sheets of all images in the order of ids, and a thumbnail's size: at most 40."""
    height, width = pixels.shape[1:3]
    share = min(1.0, _SIDE / max(height, width))
    size = max(1, round(width * share)), max(1, round(height * share))
    found = []
    for start in range(0, len(pixels), EACH):
        part = pixels[start : start + EACH]
        mode = "L" if part.shape[3] == 1 else "RGB"
        sheet = Image.new(mode, (COLUMNS * size[0], -(-len(part) // COLUMNS) * size[1]))
        for i, one in enumerate(part):
            image = to_image(one)
            image = image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)
            sheet.paste(image, (i % COLUMNS * size[0], i // COLUMNS * size[1]))
        buffer = io.BytesIO()
        sheet.save(buffer, "JPEG", quality=80)
        found.append(base64.b64encode(buffer.getvalue()).decode())
    return found, list(size)


def _page(data: dict[str, Any]) -> str:
    pages = page_files()
    script = "\n".join(_scoped(name, pages[f"{name}.js"]) for name in _MODULES)
    css = pages["label.css"]
    allowed = (
        f"default-src 'none'; img-src data: blob:; style-src '{_hash(css)}'; "
        f"script-src '{_hash(script)}'; base-uri 'none'; form-action 'none'"
    )
    embedded = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    head, body = pages["index.html"].split("</head>")
    head = re.sub(r"<(link|script).*?(?:>|</script>)\n", "", head).replace("</script>", "")
    return (
        head.replace(
            "<meta charset",
            f'<meta http-equiv="Content-Security-Policy" content="{allowed}">\n<meta charset',
        )
        + f'<link rel="icon" href="data:,">\n<style>{css}</style>\n</head>'
        + body.replace(
            "</body>",
            f'<script type="application/json" id="pile">{embedded}</script>\n'
            f"<script>{script}</script>\n</body>",
        )
    )


def _scoped(name: str, text: str) -> str:
    """Turn a module into a function that returns what it exports; imports become constants."""
    names = re.findall(r"(?m)^export (?:async )?(?:function|class|const|let) ([\w$]+)", text)
    text = re.sub(
        r'(?m)^import (\{[^}]*\}) from "\./(\w+)\.js";$',
        lambda found: f"const {found[1]} = {_module(found[2])};",
        text,
    )
    text = re.sub(r"(?m)^export ", "", text)
    body = f'"use strict";\n{text}return {{ {", ".join(names)} }};'
    return f"const {_module(name)} = (() => {{\n{body}\n}})();"


def _module(name: str) -> str:
    return "in_" + ("local" if name == "pile" else name)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
