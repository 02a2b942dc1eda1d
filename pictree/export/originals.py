"""The pictures of a run as their owner gave them: the file, its bytes, or a PNG of the array."""

from __future__ import annotations

import io
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from pictree.images.base import PICTURE_SUFFIXES
from pictree.images.decode import FORMATS
from pictree.images.inventory import digest_of
from pictree.images.outcome import Unusable
from pictree.images.quiet import quiet
from pictree.images.reopen import Originals
from pictree.images.scale import array_to_bytes
from pictree.store import Run

_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "TIFF": ".tif", "JPEG2000": ".jp2"}


class Pictures:
    """The pictures of a run.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run, info = run, run.info
        piles: list[dict[str, Any]] = [info, *info.get("added", [])]
        self._starts = [0, *accumulate(int(pile["items"]) for pile in piles)]
        self._piles = [Originals(pile["sources"]) for pile in piles]
        self._range = tuple(info["value_range"]) if info.get("value_range") else None

    def file(self, image: int, path: str) -> Path | None:
        """Return the file that an image is; None where it is inside another file."""
        pile, item = self._locate(image)
        return pile.file(item, path)

    def read(self, image: int, path: str, sha256: str | None) -> bytes:
        """Return a picture file's bytes: the original's own, or a PNG of an array.

        Of an array that was in memory alone, a PNG of the pixels that the run holds.

        Raises
        ------
        Unusable
            If it is gone, or not what it was when the run was made.
        """
        pile, item = self._locate(image)
        if pile.was_in_memory(item):
            return _png(self._stored(image), None)
        raw = pile.read(item, path)
        if sha256 and digest_of(raw).hex() != sha256:
            raise Unusable("unreadable", "its content has changed since the fit")
        return _png(raw, self._range) if isinstance(raw, np.ndarray) else raw

    def name(self, image: int, path: str) -> str:
        """Return a file name for an image, not yet safe, with a picture's suffix.

        An image of an array, ``digits.npy[12]``, is ``digits.npy-12.png``.
        """
        base = path.rsplit("/", 1)[-1]
        if base.endswith("]") and self.file(image, path) is None:
            return base[:-1].replace("[", "-") + self._suffix(image, path)
        if base.lower().endswith(PICTURE_SUFFIXES):
            return base
        return base + self._suffix(image, path)

    def _suffix(self, image: int, path: str) -> str:
        pile, item = self._locate(image)
        if pile.was_in_memory(item):
            return ".png"
        try:
            raw = pile.read(item, path)
        except Unusable:
            return ""
        kind = "PNG" if isinstance(raw, np.ndarray) else _format_of(raw)
        return _SUFFIXES.get(kind, f".{kind.lower()}") if kind else ""

    def _stored(self, image: int) -> np.ndarray:
        """Return the pixels that the run holds of an image, or of the one that it repeats."""
        return self._run.array("pixels")[self._rows[image]]

    @cached_property
    def _rows(self) -> dict[int, int]:
        """Row of the pixels by the ids of used images and duplicates."""
        row = {image: at for at, image in enumerate(self._run.used()["id"])}
        original = pl.coalesce("duplicate_of", "id")
        pairs = self._run.inventory().select("id", original.alias("of")).iter_rows()
        return {image: row[of] for image, of in pairs if of in row}

    def _locate(self, image: int) -> tuple[Originals, int]:
        pile = next(i for i, end in enumerate(self._starts[1:]) if image < end)
        return self._piles[pile], image - self._starts[pile]


def _format_of(raw: bytes) -> str | None:
    try:
        with quiet, Image.open(io.BytesIO(raw), formats=list(FORMATS)) as image:
            return image.format
    except Exception:  # Pillow raises nearly every type there is on a broken file
        return None


def _png(values: np.ndarray, value_range: tuple[float, float] | None) -> bytes:
    whole = values if values.ndim == 3 else values[..., None]
    pixels = array_to_bytes(whole, value_range)
    buffer = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(buffer, "PNG")
    return buffer.getvalue()
