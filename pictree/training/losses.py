"""The two reconstruction losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from pictree.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]


def binary_cross_entropy(raw: Tensor, images: Tensor) -> Tensor:
    """Mean binary cross-entropy over all pixels, in nats.

    Parameters
    ----------
    raw : float (n, c, h, w)
        Logits: the network's output before the sigmoid.
    images : float32 (n, c, h, w)
        In [0, 1].

    Returns
    -------
    float32 ()
    """
    return functional.binary_cross_entropy_with_logits(raw.float(), images)


def mean_squared_error(raw: Tensor, images: Tensor) -> Tensor:
    """Mean squared difference over all pixels between a linear output and the images.

    Parameters
    ----------
    raw : float (n, c, h, w)
        The network's output, not cut to [0, 1].
    images : float32 (n, c, h, w)
        In [0, 1].

    Returns
    -------
    float32 ()
    """
    return functional.mse_loss(raw.float(), images)


def sigmoid_squared_error(raw: Tensor, images: Tensor) -> Tensor:
    """Mean squared difference over all pixels between ``sigmoid(raw)`` and the images.

    Parameters
    ----------
    raw : float (n, c, h, w)
        Logits: the network's output before the sigmoid.
    images : float32 (n, c, h, w)
        In [0, 1].

    Returns
    -------
    float32 ()
    """
    return functional.mse_loss(torch.sigmoid(raw.float()), images)


LOSSES: dict[tuple[str, str], Loss] = {
    ("bce", "sigmoid"): binary_cross_entropy,
    ("mse", "sigmoid"): sigmoid_squared_error,
    ("mse", "linear"): mean_squared_error,
}
"""By a recipe's loss and its network's output."""


def get_loss(name: str, output: str) -> Loss:
    """Find the loss function for a network's output.

    Parameters
    ----------
    name : {"bce", "mse"}
    output : {"sigmoid", "linear"}
        Cross-entropy needs a sigmoid.

    Returns
    -------
    callable
        (raw outputs, images) to a float32 scalar.

    Raises
    ------
    InputError
    """
    if (name, output) not in LOSSES:
        raise InputError(
            "loss and output must be bce with sigmoid, mse with sigmoid, or mse with linear",
            got=f"{name!r} with {output!r}",
            do="Choose one of the three",
        )
    return LOSSES[name, output]
