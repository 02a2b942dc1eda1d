"""The inventory: every file, what became of it, and the pixels of those that are used."""

from __future__ import annotations

import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat
from typing import Any

import numpy as np
import polars as pl

from pictree.images.base import Raw, Source
from pictree.images.decode import Header, ImageFormat, Unusable, array_header
from pictree.images.guard import Guards
from pictree.images.outcome import FIRST_PAGE, OUTCOMES
from pictree.images.scale import array_to_bytes, set_channels

__all__ = [
    "INVENTORY_SCHEMA",
    "OUTCOMES",
    "digest_of",
    "look_at_some",
    "problems",
    "remember",
    "summary",
    "take_stock",
]

INVENTORY_SCHEMA: dict[str, Any] = {
    "id": pl.UInt32,
    "path": pl.String,
    "sha256": pl.String,
    "width": pl.UInt32,
    "height": pl.UInt32,
    "mode": pl.String,
    "bit_depth": pl.UInt8,
    "orientation": pl.UInt8,
    "outcome": pl.String,
    "reason": pl.String,
    "duplicate_of": pl.UInt32,
    "known_label": pl.String,
    "split": pl.String,
}
"""One row for each file. `sha256` is of the file's bytes, for arrays of dtype, shape and bytes;
null where nothing could be read. `width` and `height` are as shown (upright). `reason` is "" for
used images, but for `FIRST_PAGE`. `known_label` and `split` are filled in by the pipeline."""

_BLOCK = 256
_AT_ONCE = 8
"""Files that a thread is given: to hand over one costs as much as a tenth of decoding it."""
_TOLD_EVERY = 16
_SIZES_SHOWN = 10


@dataclass
class _Item:
    """What a worker found out about one file."""

    digest: bytes | None
    header: Header | None
    pixels: np.ndarray | None
    problem: Unusable | None


def take_stock(
    source: Source,
    rows: range,
    fmt: ImageFormat,
    *,
    first_id: int,
    seen: dict[bytes, int],
    progress: Callable[[int], object] | None = None,
) -> tuple[pl.DataFrame, np.ndarray]:
    """Read one shard of a source.

    Parameters
    ----------
    source : Source
    rows : range
        Items of the source, step 1.
    fmt : ImageFormat
    first_id : int
        The id of the first of `rows`.
    seen : dict of bytes to int
        SHA-256 digest to id of the used images so far; updated. An image whose digest is in it
        is a duplicate.
    progress : callable, optional
        Called with the number of files done since the last call.

    Returns
    -------
    frame : polars.DataFrame
        By `INVENTORY_SCHEMA`, a row for every file, in order.
    pixels : ndarray of uint8, shape (m, height, width, channels)
        Of the used ones, in the order of their ids.
    """
    block = source.block(rows)
    if block is not None and block.shape[1:3] == (fmt.height, fmt.width):
        items = _block_items(block, fmt, source.value_range)
    else:
        items = _file_items(source, rows, fmt)
    table = _Table(source, rows.start - first_id)
    pixels = np.empty((len(rows), fmt.height, fmt.width, fmt.channels), np.uint8)
    used = 0
    for number, item in enumerate(items):
        if table.add(first_id + number, item, seen) and item.pixels is not None:
            pixels[used] = item.pixels
            used += 1
        if progress and (number + 1) % _TOLD_EVERY == 0:
            progress(_TOLD_EVERY)
    if progress and len(rows) % _TOLD_EVERY:
        progress(len(rows) % _TOLD_EVERY)
    return table.frame(), pixels[:used]


def look_at_some(
    source: Source,
    rows: Sequence[int],
    fmt: ImageFormat,
    progress: Callable[[int], object] | None = None,
) -> tuple[np.ndarray, list[Header]]:
    """Decode some items of a source, to look at them before a run is begun.

    Parameters
    ----------
    source : Source
    rows : sequence of int
        In rising order.
    fmt : ImageFormat
    progress : callable, optional
        Called with 1 after each item.

    Returns
    -------
    pixels : ndarray of uint8, shape (m, height, width, channels)
        Of those that can be used, no content twice.
    headers : list of Header, length m
    """
    pixels = np.empty((len(rows), fmt.height, fmt.width, fmt.channels), np.uint8)
    headers: list[Header] = []
    seen: set[bytes | None] = set()
    for item in _file_items(source, rows, fmt):
        if item.pixels is not None and item.header and item.digest not in seen:
            headers.append(item.header)
            pixels[len(seen)] = item.pixels
            seen.add(item.digest)
        if progress:
            progress(1)
    return pixels[: len(seen)], headers


class _Table:
    """The rows of one shard as they come in."""

    def __init__(self, source: Source, row_minus_id: int) -> None:
        self._source, self._row_minus_id = source, row_minus_id
        self._rows: list[tuple] = []

    def add(self, image: int, item: _Item, seen: dict[bytes, int]) -> bool:
        """Add a row; return whether the image is used."""
        twin = seen.get(item.digest) if item.digest else None
        header = item.header
        outcome, reason = "used", FIRST_PAGE if header and header.more_pages else ""
        if twin is not None:
            outcome, reason = "duplicate", f"same content as {self._name(twin)}"
        elif item.problem:
            outcome, reason = item.problem.outcome, item.problem.reason
        elif item.digest:
            seen[item.digest] = image
        about = (
            (header.width, header.height, header.mode, header.bit_depth, header.orientation)
            if header
            else (None,) * 5
        )
        digest = item.digest.hex() if item.digest else None
        path = self._source.paths[image + self._row_minus_id]
        self._rows.append((image, path, digest, *about, outcome, reason, twin, None, "train"))
        return outcome == "used"

    def _name(self, image: int) -> str:
        row = image + self._row_minus_id
        return self._source.paths[row] if row >= 0 else f"image {image}"

    def frame(self) -> pl.DataFrame:
        return pl.DataFrame(self._rows, schema=INVENTORY_SCHEMA, orient="row")


def _block_items(
    block: np.ndarray, fmt: ImageFormat, value_range: tuple[float, float] | None
) -> Iterator[_Item]:
    """Arrays that have the format's size already: all converted a few at a time."""
    header = array_header(block[0])
    for start in range(0, len(block), _BLOCK):
        values = block[start : start + _BLOCK]
        finite = np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        safe = values if finite.all() else np.where(_spread(finite, values), values, 0)
        with_channels = safe[..., None] if safe.ndim == 3 else safe
        pixels = set_channels(array_to_bytes(with_channels, value_range), fmt.channels)
        for image, value, good in zip(pixels, values, finite.tolist(), strict=True):
            problem = None if good else Unusable("unreadable", "holds NaN or infinite values")
            yield _Item(_array_digest(value), header, image, problem)


def _spread(rows: np.ndarray, values: np.ndarray) -> np.ndarray:
    return rows.reshape(-1, *[1] * (values.ndim - 1))


def _file_items(source: Source, rows: Sequence[int], fmt: ImageFormat) -> Iterator[_Item]:
    """Read and decode on several threads; results come in order, few are held at a time."""
    workers = min(32, os.cpu_count() or 1)
    waiting: deque[Future[list[_Item]]] = deque()
    with Guards() as guards, ThreadPoolExecutor(workers) as pool:
        try:
            raws = source.read_each(rows) if source.in_order else repeat(None)
            pairs = zip(raws, rows, strict=False)  # raws first: so it is read to its end
            while some := list(islice(pairs, _AT_ONCE)):
                waiting.append(pool.submit(_look_at_each, source, some, fmt, guards))
                if len(waiting) > 2 * workers:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:  # after Ctrl-C, don't decode what nobody waits for
            for future in waiting:
                future.cancel()


def _look_at_each(
    source: Source, some: Sequence[tuple[Raw | None, int]], fmt: ImageFormat, guards: Guards
) -> list[_Item]:
    return [_look_at(source, row, raw, fmt, guards) for raw, row in some]


def _look_at(source: Source, row: int, raw: Raw | None, fmt: ImageFormat, guards: Guards) -> _Item:
    raw = source.try_to_read(row) if raw is None else raw
    if isinstance(raw, Unusable):
        return _Item(None, raw.header, None, raw)
    digest = digest_of(raw)
    try:
        pixels, header = guards.decode(raw, fmt, source.value_range)
    except Unusable as problem:
        return _Item(digest, problem.header, None, problem)
    return _Item(digest, header, pixels, None)


def digest_of(raw: bytes | np.ndarray) -> bytes:
    """Return the SHA-256 that tells an image: of the file's bytes, or of dtype, shape and bytes."""
    return _array_digest(raw) if isinstance(raw, np.ndarray) else hashlib.sha256(raw).digest()


def _array_digest(values: np.ndarray) -> bytes:
    digest = hashlib.sha256(f"{values.dtype.str}{values.shape}".encode())
    digest.update(np.ascontiguousarray(values).data)
    return digest.digest()


def remember(frame: pl.DataFrame, seen: dict[bytes, int]) -> None:
    """Add the used images of a shard that is on disk already to `seen`."""
    used = frame.filter(pl.col("outcome") == "used")
    seen.update(zip(map(bytes.fromhex, used["sha256"]), used["id"], strict=True))


def problems(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are neither used nor duplicates, with their reasons."""
    return frame.filter(~pl.col("outcome").is_in(["used", "duplicate"]))


def summary(frame: pl.DataFrame) -> dict[str, Any]:
    """Sum up an inventory, as ``pictree scan --json`` prints it.

    Returns
    -------
    dict
        files, used, duplicates, first_pages (counts; the last of used images whose file has more
        pages); problems ("outcome: reason" to count), modes (mode to count), sizes
        ("width×height" to count, the ten most frequent and "other"); most frequent first.
    """
    bad = problems(frame)
    reasons = Counter(f"{o}: {r}" for o, r in zip(bad["outcome"], bad["reason"], strict=True))
    known = frame.filter(pl.col("width").is_not_null())
    sizes = Counter(f"{w}×{h}" for w, h in zip(known["width"], known["height"], strict=True))
    shown = dict(sizes.most_common(_SIZES_SHOWN))
    if len(sizes) > len(shown):
        shown["other"] = sizes.total() - sum(shown.values())
    outcomes = Counter(frame["outcome"])
    return {
        "files": frame.height,
        "used": outcomes["used"],
        "duplicates": outcomes["duplicate"],
        "first_pages": int((frame["reason"] == FIRST_PAGE).sum()),
        "problems": dict(reasons.most_common()),
        "modes": dict(Counter(known["mode"]).most_common()),
        "sizes": shown,
    }
