"""Going on from a checkpoint, and refusing one that belongs to another training."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pictree.errors import RunError
from pictree.networks.autoencoder import Autoencoder
from pictree.training import checkpoint


def fingerprint(
    model: Autoencoder, settings: Any, *, seed: int, images: int, held_out: int
) -> dict[str, Any]:
    """List what two trainings must share for one to go on from the other.

    Parameters
    ----------
    model : Autoencoder
    settings : dataclass
        A recipe's section. Its number of epochs is left out: it may grow.
    seed : int
    images, held_out : int
        How many images train and validate.

    Returns
    -------
    dict
        Plain values by name, as JSON keeps them.
    """
    network = {f"network.{key}": _plain(v) for key, v in asdict(model.architecture).items()}
    values = asdict(settings)
    training = {f"training.{key}": v for key, v in values.items() if key != "epochs"}
    return {**network, **training, "seed": seed, "images": images, "held-out images": held_out}


def resume(
    folder: Path | None,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    expected: dict[str, Any],
    epochs: int,
) -> list[dict[str, Any]]:
    """Put the last checkpoint, where there is one, into the model and its optimiser.

    Parameters
    ----------
    folder : Path or None
    model : nn.Module
        Changed in place.
    optimizer : torch.optim.Optimizer
        Changed in place.
    expected : dict
        This training's `fingerprint`.
    epochs : int
        This training's length.

    Returns
    -------
    list of dict
        History of the finished epochs, empty at the start.

    Raises
    ------
    RunError
        When the checkpoint is damaged, belongs to another training, or is longer than this one.
    """
    found = checkpoint.load(folder) if folder is not None else None
    if found is None:
        return []
    tensors, progress = found
    old = progress.fingerprint
    differ = sorted(key for key in old | expected if old.get(key) != expected.get(key))
    if len(progress.history) > epochs:
        differ.append("training.epochs")
    if differ:
        raise RunError(
            f"{folder} must hold checkpoints of this training",
            got=f"other values of {', '.join(differ)}",
            do="Use the same values, or another run folder",
        )
    checkpoint.restore(tensors, model, optimizer)
    return progress.history


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
