"""Pictree's training with ClustPy's network: dense layers, 500-500-2000-10, and back.

No recipe of Pictree's has it. Here it stands in for a convolutional one, so that both train the
same network on the same number of images, with the loops, optimisers and formats of each.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from torch import Tensor, nn

from pictree.clustering.flat import fit_clusters
from pictree.clustering.kmeans import nearest_centre
from pictree.device import choose_device, keep_pages
from pictree.networks.autoencoder import Architecture
from pictree.networks.inference import encode
from pictree.recipes.recipe import load_recipe
from pictree.training.dec import refine
from pictree.training.loop import train

WIDTHS = (784, 500, 500, 2000, 10)


def _layers(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(widths):
        layers += [nn.Linear(inputs, outputs), nn.LeakyReLU()]
    return nn.Sequential(*layers[:-1])


class Dense(nn.Module):
    """What `train` and `refine` need of an autoencoder."""

    # A batch's size and its threads follow from the numbers in the widest layer: here 2,000, and
    # 6 maps are 4,704. 2,000 maps were 1.5 million, and every image was encoded by itself.
    architecture = Architecture((28, 28, 1), (6,), (6,), 10, "linear")
    code_size = 10

    def __init__(self) -> None:
        super().__init__()
        self.down, self.up = _layers(WIDTHS), _layers(WIDTHS[::-1])

    def encode(self, x: Tensor) -> Tensor:
        """Images to codes."""
        return self.down(x.flatten(1))

    def decode(self, z: Tensor) -> Tensor:
        """Codes to images."""
        return self.up(z).view(-1, 1, 28, 28)

    def forward(self, x: Tensor) -> Tensor:
        """Images to images."""
        return self.decode(self.encode(x))


@dataclass(frozen=True)
class Settings:
    """One update, after an epoch."""

    updates: int = 1
    interval: int = 235
    batch_size: int = 256
    learning_rate: float = 1e-4
    gamma: float = 0.1
    tolerance: float = 0.0
    change: float = 0.0


def idec(pixels: np.ndarray) -> np.ndarray:
    """Return the clusters."""
    keep_pages()
    device, model = choose_device(), Dense()
    settings = replace(load_recipe("dec").training, epochs=1, change=0.0)
    train(model, pixels, settings, device, seed=0)  # type: ignore[arg-type]
    codes = encode(model, pixels, device)  # type: ignore[arg-type]
    centres = fit_clusters(codes, "kmeans", 10, starts=1, seed=0).centres
    found = refine(model, centres, pixels, Settings(), device, codes=codes)  # type: ignore[arg-type]
    return nearest_centre(found.codes, found.centres)
