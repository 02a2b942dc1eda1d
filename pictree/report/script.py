"""The page's scripts as one: small modules, put behind each other."""

from __future__ import annotations

import re
from importlib.resources import files

MODULES = (
    "data", "state", "words", "tree", "camera", "grid", "lasso", "atlas", "groups", "paths",
    "points", "splats", "save", "marks", "stage", "pointer", "legend", "facts", "search",
    "selection", "cut", "dendrogram", "cards", "main",
)  # fmt: skip
"""Files of assets/ in the order in which they need each other."""

_IMPORT = re.compile(r"^import .*?;\n", re.MULTILINE | re.DOTALL)
_EXPORT = re.compile(r"^export ", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(//[^\n]*|/\*\*.*?\*/)\n", re.MULTILINE | re.DOTALL)


def script() -> str:
    """Return all modules without their imports, exports and comments, in one scope.

    A page that is opened as a file may not import files that lie beside it.
    """
    parts = [packaged(f"assets/{name}.js") for name in MODULES]
    plain = [_EXPORT.sub("", _COMMENT.sub("", _IMPORT.sub("", part))) for part in parts]
    return '"use strict";\n{\n' + "\n".join(plain) + "}\n"


def packaged(name: str) -> str:
    """Return a text file of this folder."""
    return files("pictree.report").joinpath(name).read_text(encoding="utf-8")
