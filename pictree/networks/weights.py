"""A model on disk: two weight files and one description, nothing pickled."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from pictree.errors import InputError, RunError
from pictree.files import write_bytes
from pictree.networks.autoencoder import Architecture, Autoencoder

PARTS = ("encoder", "decoder")
_WAY_OUT = "Restore the file from a copy, or fit again"


def save(model: Autoencoder, folder: Path) -> None:
    """Write a model as ``encoder.safetensors``, ``decoder.safetensors`` and ``model.json``.

    Parameters
    ----------
    model : Autoencoder
    folder : Path
        Made if absent. Each file is written atomically, the description last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        tensors = to_cpu(getattr(model, part).state_dict())
        write_bytes(folder / f"{part}.safetensors", safetensors.torch.save(tensors))
    text = json.dumps({"architecture": asdict(model.architecture)}, indent=2) + "\n"
    write_bytes(folder / "model.json", text.encode())


def load(folder: Path) -> Autoencoder:
    """Read a model that `save` wrote.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Autoencoder
        On the CPU, float32.

    Raises
    ------
    RunError
        When a file is absent, damaged, or does not fit the description; it names the file.
    """
    architecture = _read_architecture(folder / "model.json")
    with torch.device("meta"):  # shapes alone: a description may ask for any amount of memory
        described = Autoencoder(architecture)
    tensors = {
        part: _fitting(getattr(described, part), folder / f"{part}.safetensors") for part in PARTS
    }
    model = Autoencoder(architecture)
    for part in PARTS:
        getattr(model, part).load_state_dict(tensors[part])
    return model


def to_cpu(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Copy tensors to the CPU in the plain layout, the only one that safetensors writes."""
    return {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    RunError
        When the file is absent or damaged.
    """
    try:
        return safetensors.torch.load(path.read_bytes())
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise _damaged(path, "be a readable safetensors file", str(error)) from error


def _read_architecture(path: Path) -> Architecture:
    try:
        values = json.loads(path.read_text())["architecture"]
        lists: dict[str, Any] = {
            name: tuple(values[name]) for name in ("image_shape", "encoder", "decoder")
        }
        plain: dict[str, Any] = {
            name: values[name]
            for name in ("code", "output", "normalise", "contours")
            if name in values
        }
        return Architecture(**lists, **plain)
    except (OSError, ValueError, KeyError, TypeError, InputError) as error:
        got = f"{type(error).__name__}: {error}"
        raise _damaged(path, "describe a model", got) from error


def _fitting(part: nn.Module, path: Path) -> dict[str, Tensor]:
    """Return the weights in a file, if they are of these shapes, and finite."""
    tensors, expected = read_tensors(path), part.state_dict()
    shapes = {name: (tuple(t.shape), t.dtype) for name, t in tensors.items()}
    wanted = {name: (tuple(t.shape), t.dtype) for name, t in expected.items()}
    wrong = sorted(name for name in shapes | wanted if shapes.get(name) != wanted.get(name))
    if wrong:
        got = f"other names, shapes or types for {', '.join(wrong)}"
        raise _damaged(path, "hold the weights that model.json describes", got)
    for name, tensor in tensors.items():
        if not bool(tensor.isfinite().all()):
            raise _damaged(path, "hold finite weights", f"NaN or infinity in {name}")
    return tensors


def _damaged(path: Path, must: str, got: str) -> RunError:
    return RunError(f"{path} must {must}", got=got, do=_WAY_OUT)
