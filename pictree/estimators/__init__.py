"""scikit-learn's face: estimators that call the stages and add no logic of their own.

Names are resolved on first use: `TreeClusterer` needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pictree.estimators.autoencoder import ConvAutoencoder
    from pictree.estimators.clusterer import ImageClusterer
    from pictree.estimators.tree import TreeClusterer

__all__ = ["ConvAutoencoder", "ImageClusterer", "TreeClusterer"]

_MODULES = {
    "ConvAutoencoder": "pictree.estimators.autoencoder",
    "ImageClusterer": "pictree.estimators.clusterer",
    "TreeClusterer": "pictree.estimators.tree",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)
