"""scikit-learn's face: estimators that call the stages and add no logic of their own."""

from __future__ import annotations

from pictree.estimators.autoencoder import ConvAutoencoder
from pictree.estimators.clusterer import ImageClusterer

__all__ = ["ConvAutoencoder", "ImageClusterer"]
