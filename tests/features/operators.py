"""Let timm be imported where PyPI's torchvision lies beside the CPU build of torch.

timm imports torchvision for its transforms, which are Python. PyPI's torchvision is built for the
CUDA build of torch: its compiled operators (nms, roi_align …) don't load beside another, and its
import ends because they are not declared. Nothing that computes features calls them; here they
are declared, with no code behind them, for the tests alone.
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

_KEPT: list[Any] = []


def import_timm() -> Any:
    """Return timm, or skip where it or torchvision is not installed."""
    vision = importlib.util.find_spec("torchvision")
    if vision is None or vision.origin is None:
        pytest.skip("torchvision is not installed")
    try:
        import torchvision  # noqa: F401
    except RuntimeError:  # operator torchvision::nms does not exist
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        _declare(Path(vision.origin).with_name("_meta_registrations.py"))
    return pytest.importorskip("timm")


def _declare(told: Path) -> None:
    declared = torch.library.Library("torchvision", "DEF")
    for name in sorted(set(re.findall(r'"torchvision::(\w+)"', told.read_text()))):
        declared.define(f"{name}(Tensor a) -> Tensor")
    for name in re.findall(r'register_meta\("(\w+)"\)', told.read_text()):
        if not hasattr(torch.ops.torchvision, name):
            declared.define(f"{name}(Tensor a) -> Tensor")
    _KEPT.append(declared)  # with it the operators would go
