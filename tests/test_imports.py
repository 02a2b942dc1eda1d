"""Imports go one way: from lower levels, or inside a module's own folder."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pictree"
LEVELS = [
    {"errors", "cores"},
    {"files", "cells", "repulsion"},
    {"exhaustive"},
    {"lookup"},
    {"locks", "reading", "shards", "progress", "neighbors", "device", "exchange"},
    {"manifest", "stages", "engine"},
    {"images", "networks", "clustering", "projection", "evaluation"},
    {"training", "features", "recipes", "store"},
    {"estimators", "report", "tracking"},
    {"label"},
    {"pipeline", "export", "deploy"},
    {"serve", "notebook", "dataset"},
    {"commands"},
    {"cli"},
]
LEVEL = {name: number for number, names in enumerate(LEVELS) for name in names}
NO_TORCH = ("images", "clustering", "projection", "evaluation", "neighbors", "cells", "exhaustive")
NO_TORCH += ("cores", "repulsion", "lookup", "report", "label", "export", "store", "engine")
FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py")


def imported(file: Path) -> list[str]:
    """Return the modules that a file imports, wherever in it the import stands."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return found


def part_of(file: Path) -> str:
    """Return the stage that a file belongs to: its folder, or its own name."""
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_to_lower_levels_alone(file: Path) -> None:
    own = part_of(file)
    for name in imported(file):
        if not name.startswith("pictree."):
            assert name != "pictree", "import from the module, not from the package's root"
            continue
        other = name.split(".")[1]
        assert other == own or LEVEL[other] < LEVEL[own], f"{own} imports {other}"


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_stages_of_plain_arrays_never_import_torch(file: Path) -> None:
    if part_of(file) in NO_TORCH:
        assert not [name for name in imported(file) if name.split(".")[0] == "torch"]


@pytest.mark.parametrize("file", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_is_longer_than_400_lines(file: Path) -> None:
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400
