"""From what was asked for to a network that is ready: a name of timm's, a file, the package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors
from safetensors import SafetensorError

from pictree.errors import InputError
from pictree.features.base import About, Extractor, TorchExtractor
from pictree.features.onnx_models import open_onnx
from pictree.features.packaged import NAME, extractor_of, open_packaged
from pictree.features.timm_models import PREFIX, open_timm, open_timm_weights
from pictree.files import sha256_of
from pictree.images.base import printable
from pictree.networks.efficientnet_lite import from_checkpoint, from_folded
from pictree.networks.weights import read_tensors

_WAYS = f"{NAME}, {PREFIX}NAME, or a .safetensors or .onnx file"


def open_features(network: str) -> Extractor:
    """Open a network that was trained elsewhere.

    Parameters
    ----------
    network : str
        ``efficientnet-lite0`` (extra ``photos``), ``timm:NAME`` (extra ``timm``), a
        ``.safetensors`` file that names its architecture, or an ``.onnx`` file (extra ``onnx``).

    Raises
    ------
    MissingExtraError
        If the extra is absent.
    InputError
        If there is no such network or file, or it is damaged.
    """
    if network == NAME:
        return open_packaged()
    if network.startswith(PREFIX):
        return open_timm(network[len(PREFIX) :])
    path = Path(network)
    ways = {".safetensors": _open_safetensors, ".onnx": open_onnx}
    if path.suffix.lower() not in ways:
        raise InputError(f"features must be {_WAYS}", got=repr(network), do="Choose one of these")
    if not path.is_file():
        name = repr(printable(network))
        raise InputError("the file of the features must exist", got=name, do="Check the path")
    return ways[path.suffix.lower()](path)


def _open_safetensors(path: Path) -> TorchExtractor:
    """Open weights whose metadata, or a config.json beside them, say ``architecture``."""
    network, architecture = printable(str(path)), _architecture(path)
    tensors = read_tensors(path)
    if architecture == NAME:
        is_folded = "stem.bias" in tensors
        model = from_folded(tensors) if is_folded else from_checkpoint(tensors)
        found = extractor_of(model)
    else:
        found = open_timm_weights(architecture.removeprefix(PREFIX), tensors, network)
    values = found.about.to_json() | {"network": network, "sha256": sha256_of(path)}
    found.about = About.from_json(values)
    return found


def _architecture(path: Path) -> str:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            told: Any = (file.metadata() or {}).get("architecture")
            keys = set(file.keys())
    except (OSError, SafetensorError) as error:
        raise InputError(
            f"{printable(str(path))} must be a readable safetensors file",
            got=str(error),
            do="Save it again with safetensors",
        ) from error
    if "_conv_stem.weight" in keys or {"stem.bias", "head.bias"} <= keys:
        return NAME
    if told is None and (config := path.with_name("config.json")).is_file():
        told = _told_by(config)  # as timm's models lie on a hub
    if not isinstance(told, str) or not told:
        raise InputError(
            "a safetensors file of features must say its architecture",
            got=f"neither the metadata 'architecture' nor a config.json beside {path.name}",
            do=f"Save it with metadata={{'architecture': 'timm:NAME'}}, or '{NAME}'",
        )
    return told


def _told_by(config: Path) -> Any:
    try:
        return json.loads(config.read_text(encoding="utf-8")).get("architecture")
    except (OSError, ValueError, AttributeError):
        return None
