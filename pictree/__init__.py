"""Pictree: from a pile of unlabelled pictures to codes, clusters and a report.

Names are resolved on first use, so that ``import pictree`` loads neither torch nor scikit-learn.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pictree.dataset import CodesDataset
    from pictree.errors import (
        InputError,
        InterruptedRunError,
        MissingExtraError,
        PictreeError,
        RecipeError,
        RunError,
        SourceError,
        UserError,
    )
    from pictree.estimators import ConvAutoencoder, ImageClusterer, TreeClusterer
    from pictree.notebook import Run

    __version__: str

__all__ = [
    "CodesDataset",
    "ConvAutoencoder",
    "ImageClusterer",
    "InputError",
    "InterruptedRunError",
    "MissingExtraError",
    "PictreeError",
    "RecipeError",
    "Run",
    "RunError",
    "SourceError",
    "TreeClusterer",
    "UserError",
    "__version__",
]


_MODULES = {
    "CodesDataset": "pictree.dataset",
    "ConvAutoencoder": "pictree.estimators",
    "ImageClusterer": "pictree.estimators",
    "Run": "pictree.notebook",
    "TreeClusterer": "pictree.estimators",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name == "__version__":
        value = import_module("importlib.metadata").version("pictree")
    else:
        module = "pictree.errors" if name.endswith("Error") else _MODULES[name]
        value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
