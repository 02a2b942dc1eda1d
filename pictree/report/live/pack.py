"""Arrays and texts as deflated base64, to be put into a page."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Blob:
    """One part of the page's data.

    Attributes
    ----------
    name : str
        The element's id is ``data-`` and this.
    kind : str
        ``text``, ``json``, or the name of a little-endian number type such as ``uint16``.
    body : str
        zlib's format in base64: no sign of it means anything in HTML.
    """

    name: str
    kind: str
    body: str


def packed(raw: bytes) -> str:
    """Deflate bytes and write them in base64."""
    return base64.b64encode(zlib.compress(raw, 6)).decode()


def numbers(name: str, values: np.ndarray) -> Blob:
    """Pack an array of whole numbers or float32; its shape is not kept."""
    little = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return Blob(name, values.dtype.name, packed(little.tobytes()))


def text(name: str, value: str) -> Blob:
    """Pack a text."""
    return Blob(name, "text", packed(value.encode()))


def as_json(name: str, value: Any) -> Blob:
    """Pack plain JSON values."""
    return Blob(name, "json", packed(json.dumps(value, separators=(",", ":")).encode()))


def smallest(values: np.ndarray) -> np.ndarray:
    """Return whole numbers from -1 on as uint8, uint16 or uint32, the largest in place of -1."""
    kinds = (np.uint8, np.uint16, np.uint32)
    kind = next(k for k in kinds if values.max(initial=0) < np.iinfo(k).max)
    return np.where(values < 0, np.iinfo(kind).max, values).astype(kind)
