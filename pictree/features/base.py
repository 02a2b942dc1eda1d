"""What a network that was trained elsewhere tells of itself, and the one thing it does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from pictree.device import Device

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class About:
    """A network's description, as run.json keeps it.

    Attributes
    ----------
    network : str
        What was asked for: ``efficientnet-lite0``, ``timm:NAME`` or a file's path.
    width : int
        Numbers for each image.
    side : int
        Pixels of the images that it was trained with.
    is_fixed : bool
        Whether it takes squares of `side` and nothing else.
    mean, deviation : tuple of 3 float
        Of red, green and blue in [0, 1]; taken away, then divided by.
    sha256 : str
        Of the weights.
    """

    network: str
    width: int
    side: int
    is_fixed: bool
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    sha256: str

    def to_json(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> About:
        """Read what `to_json` gave; other keys are left out."""
        known: dict[str, Any] = {name: values[name] for name in cls.__dataclass_fields__}
        given: dict[str, Any] = {
            n: tuple(v) if isinstance(v, list) else v for n, v in known.items()
        }
        return cls(**given)


class Extractor(ABC):
    """A network that turns images into features.

    Attributes
    ----------
    about : About
    """

    about: About

    @abstractmethod
    def prepare(self, device: Device) -> None:
        """Bring the network to a device and its number format."""

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Turn normalised float32 (n, 3, h, w) on the device into float32 (n, width)."""


class TorchExtractor(Extractor):
    """A torch module that gives a row for each image, or maps that are averaged over their places.

    Parameters
    ----------
    about : About
    module : torch.nn.Module
        In evaluation mode.
    """

    def __init__(self, about: About, module: torch.nn.Module) -> None:
        self.about, self.module = about, module
        self._format = torch.float32

    def prepare(self, device: Device) -> None:
        """Bring the network to a device, in the layout in which it convolves fastest."""
        self._format = torch.bfloat16 if device.precision == "bfloat16" else torch.float32
        # A module of Sequential and Conv2d alone keeps the layout; others may not mind it.
        self.module.to(device.kind, self._format)
        self.module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def features(self, images: Tensor) -> Tensor:
        """See `Extractor.features`."""
        return pooled(self.module(images.to(self._format)))


def pooled(found: Tensor) -> Tensor:
    """Average maps (n, c, h, w), or tokens (n, t, c), over their places; as float32 (n, c)."""
    found = found.float()
    if found.ndim == 4:
        return found.mean(dim=(2, 3))
    return found.mean(dim=1) if found.ndim == 3 else found
