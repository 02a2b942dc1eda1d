"""Which networks are learned as a whole by compiled code, where numba is."""

from __future__ import annotations

from typing import Any

from pictree.device import NARROW, Device
from pictree.networks import fused
from pictree.networks.autoencoder import Autoencoder

LARGEST = 64
"""Sides of images: larger ones were not measured."""


def fits(model: Any, device: Device) -> bool:
    """Tell whether `Narrow` learns a network: few channels, not normalised, float32, a CPU.

    Parameters
    ----------
    model : nn.Module
    device : Device
    """
    if type(model) is not Autoencoder or (device.kind, device.precision) != ("cpu", "float32"):
        return False
    shape = model.architecture
    if shape.is_linear or shape.normalise or max(shape.image_shape[:2]) > LARGEST:
        return False
    widths = (shape.image_shape[2], *shape.encoder, *shape.decoder)
    plain = all(p.is_contiguous() and p.requires_grad for p in model.parameters())
    return max(widths) <= NARROW and plain and fused.is_here()
