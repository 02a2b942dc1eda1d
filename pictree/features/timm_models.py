"""Any model of timm whose weights the machine has or can load."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from pictree.errors import InputError
from pictree.features.base import About, TorchExtractor
from pictree.images.extras import need

PREFIX = "timm:"


def open_timm(name: str) -> TorchExtractor:
    """Open one of timm's models with its trained weights.

    Parameters
    ----------
    name : str
        As timm calls it, such as ``resnet18.a1_in1k``. Where its weights are not on this machine,
        timm loads them by its own ways, from the network.

    Raises
    ------
    MissingExtraError
        If timm is absent.
    InputError
        If there is no such model, or its weights can't be had.
    """
    timm = need("timm", f"{PREFIX}{name}")
    try:
        module = timm.create_model(name, pretrained=True, num_classes=0)
    except Exception as error:  # timm, its hub client and torch raise nearly every type there is
        raise InputError(
            f"{PREFIX}NAME must be a model of timm whose weights this machine has or can load",
            got=f"{name!r}: {type(error).__name__}: {_first_line(error)}",
            do="Check the name with timm.list_pretrained(), and the network or timm's cache",
        ) from error
    return _wrapped(timm, f"{PREFIX}{name}", module)


def open_timm_weights(name: str, tensors: Mapping[str, Tensor], network: str) -> TorchExtractor:
    """Open one of timm's models with weights from a file.

    Parameters
    ----------
    name : str
        As timm calls the architecture.
    tensors : mapping of str to Tensor
        The classifier's are left out.
    network : str
        What was asked for.

    Raises
    ------
    MissingExtraError, InputError
    """
    timm = need("timm", f"the architecture {name}")
    try:
        module = timm.create_model(name, pretrained=False, num_classes=0)
        wanted = set(module.state_dict())
        module.load_state_dict({key: value for key, value in tensors.items() if key in wanted})
    except Exception as error:
        raise InputError(
            f"{network} must hold the weights of timm's {name}",
            got=f"{type(error).__name__}: {_first_line(error)}",
            do="Check which architecture the file is of",
        ) from error
    return _wrapped(timm, network, module)


def _wrapped(timm: Any, network: str, module: Any) -> TorchExtractor:
    module.eval()
    config = timm.data.resolve_model_data_config(module)
    side = int(max(config["input_size"][1:]))
    about = About(
        network,
        int(getattr(module, "head_hidden_size", None) or module.num_features),
        side,
        bool(module.pretrained_cfg.get("fixed_input_size", False)),
        tuple(map(float, config["mean"])),
        tuple(map(float, config["std"])),
        digest_of(module.state_dict()),
    )
    return TorchExtractor(about, module)


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """Return a SHA-256 of weights, wherever they came from."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name}{tuple(values.shape)}{values.dtype}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200]
