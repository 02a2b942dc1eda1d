"""The state of a training on disk: weights, optimiser, epoch and history in one file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from pictree.errors import RunError
from pictree.files import write_bytes

LAST, PREVIOUS = "last.safetensors", "previous.safetensors"


@dataclass(frozen=True)
class Progress:
    """What a checkpoint says besides its tensors.

    Attributes
    ----------
    fingerprint : dict
        What a training must share with this one to go on from here: settings, architecture,
        seed, numbers of images.
    history : list of dict
        One row for each finished epoch.
    """

    fingerprint: dict[str, Any]
    history: list[dict[str, Any]]


def save(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress
) -> None:
    """Write a checkpoint; the last one becomes the previous one.

    Parameters
    ----------
    folder : Path
        Holds ``last.safetensors`` and ``previous.safetensors``; made if absent.
    model : nn.Module
    optimizer : torch.optim.Optimizer
    progress : Progress

    Notes
    -----
    Each step is a rename, so a kill at any moment leaves at least one whole checkpoint.
    """
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for i, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{i}.{name}": tensor for name, tensor in state.items()}
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    metadata = {
        "fingerprint": json.dumps(progress.fingerprint, sort_keys=True),
        "history": json.dumps(progress.history),
    }
    data = safetensors.torch.save(plain, metadata)
    last = folder / LAST
    if last.exists():
        last.replace(folder / PREVIOUS)
    write_bytes(last, data)


def load(folder: Path) -> tuple[dict[str, Tensor], Progress] | None:
    """Read the last checkpoint, or the previous one where the last is missing.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    (tensors, Progress) or None
        None when neither file is there.

    Raises
    ------
    RunError
        When the file is damaged or no checkpoint.
    """
    found = next((p for p in (folder / LAST, folder / PREVIOUS) if p.exists()), None)
    return None if found is None else _read(found)


def restore(tensors: dict[str, Tensor], model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Put a checkpoint's tensors into a model and its optimiser.

    Parameters
    ----------
    tensors : dict of str to Tensor
        From `load`, of the same architecture and optimiser.
    model : nn.Module
        Changed in place; stays on its device.
    optimizer : torch.optim.Optimizer
        Changed in place.
    """
    state: dict[int, dict[str, Tensor]] = {}
    weights: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        part, rest = name.split(".", 1)
        if part == "model":
            weights[rest] = tensor
        else:
            number, key = rest.split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
    model.load_state_dict(weights)
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def _read(path: Path) -> tuple[dict[str, Tensor], Progress]:
    try:
        data = path.read_bytes()
        tensors = safetensors.torch.load(data)
        size = int.from_bytes(data[:8], "little")
        metadata = json.loads(data[8 : 8 + size])["__metadata__"]
        progress = Progress(json.loads(metadata["fingerprint"]), json.loads(metadata["history"]))
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise RunError(
            f"{path} must be a whole checkpoint",
            got=f"{type(error).__name__}: {error}",
            do="Delete it to train from the start",
        ) from error
    return tensors, progress
