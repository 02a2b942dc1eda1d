"""Import a torchvision whose compiled part is for another torch, as PyPI has it for GPUs alone."""

from __future__ import annotations

from typing import Any

_kept: list[Any] = []


def let_import() -> None:
    """Declare the operators without which its import ends, if so; no rival here calls them."""
    import torch

    try:
        import torchvision  # noqa: F401
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)
