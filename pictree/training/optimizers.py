"""The optimisers, from a recipe's training section."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from pictree.errors import InputError
from pictree.networks import fused
from pictree.training.adadelta import Adadelta
from pictree.training.settings import Settings

OPTIMIZERS = ("adam", "adamw", "adadelta")


def make_optimizer(
    parameters: Iterable[nn.Parameter], settings: Settings, kind: str
) -> torch.optim.Optimizer:
    """Make the optimiser that the settings name.

    Parameters
    ----------
    parameters : iterable of nn.Parameter
    settings : Settings
        `rho` counts for Adadelta alone; AdamW's weight decay is torch's default, .01.
    kind : str
        Device: the fused step is used where torch has one.

    Returns
    -------
    torch.optim.Optimizer

    Raises
    ------
    InputError
        When the name is none of "adam", "adamw", "adadelta".
    """
    rate, eps, at_once = settings.learning_rate, settings.eps, kind in ("cpu", "cuda")
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, eps=eps, fused=at_once)
    if settings.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, eps=eps, fused=at_once)
    if settings.optimizer == "adadelta":
        own = list(parameters)
        compiled = kind == "cpu" and _all_plain(own) and fused.is_here()
        made = Adadelta if compiled else torch.optim.Adadelta
        return made(own, lr=rate, rho=settings.rho, eps=eps)
    raise InputError(
        f"optimizer must be one of {', '.join(OPTIMIZERS)}",
        got=repr(settings.optimizer),
        do="Choose one of them",
    )


def _all_plain(parameters: list[nn.Parameter]) -> bool:
    """Tell whether compiled code may take the parameters as rows of numbers."""
    return all(p.is_contiguous() and p.dtype == torch.float32 for p in parameters)
