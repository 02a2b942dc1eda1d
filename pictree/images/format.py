"""The size and channels of a run, chosen from a sample of the images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pictree.errors import SourceError
from pictree.images.base import Source
from pictree.images.decode import Header, ImageFormat, Unusable, read_header
from pictree.images.deep import deep_range, is_deep
from pictree.images.guard import Guards

SAMPLE = 1_000
LONGEST_SIDE = 64
"""Pixels. Larger pictures are brought to this; clusters come from shapes, not from detail."""

COLOUR_LOOKS = 100
"""Pictures of the sample with a colour mode that are decoded to see whether they are grey."""

_SAME_ASPECT = 0.05
_GREY_MODES = {"1", "L", "LA", "La", "I", "F"}


@dataclass
class _Seen:
    sizes: list[tuple[int, int]] = field(default_factory=list)
    deep: dict[int, Header] = field(default_factory=dict)
    colour: int = 0
    looked: int = 0
    reasons: Counter[str] = field(default_factory=Counter)


def choose_format(
    source: Source,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    longest: int = LONGEST_SIDE,
) -> ImageFormat:
    """Choose the size and channels that all images are brought to.

    At most 1,000 images, evenly spread, are looked at. All of one size up to `longest` pixels:
    that size, so nothing is resampled. Otherwise the longest side is `longest` (or the largest
    seen, if smaller), and the aspect ratio is the common one where all lie within 5 % of their
    median, else square. Grey where all that were decoded have three equal channels, or a grey mode.
    Grey files of 12 and 16 bits that use few of these values are stretched, all alike.

    Parameters
    ----------
    source : Source
    image_size : (int, int), optional
        (height, width), if the user asks for one.
    channels : {1, 3}, optional
        If the user asks.
    longest : int
        Pixels.

    Returns
    -------
    ImageFormat

    Raises
    ------
    SourceError
        If no image is usable; the message sums up why.
    """
    with Guards() as guards:
        seen = _look(source, channels is None, guards)
        deep = deep_range(source, seen.deep, guards.used_values)
    stretched = f"; {deep[0]:,} is black and {deep[1]:,} white" if deep else ""
    if image_size and channels:
        reason = f"size and channels as asked for{stretched}"
        return ImageFormat(*image_size, channels, reason, deep)
    height, width, size_reason = _choose_size(seen.sizes, longest)
    if image_size:
        (height, width), size_reason = image_size, "size as asked for"
    chosen, reason = (1, "all grey") if seen.colour == 0 else (3, "colour")
    if channels:
        chosen, reason = channels, f"{'grey' if channels == 1 else 'colour'} as asked for"
    looked = f"{len(seen.sizes):,} of {len(source):,} images looked at"
    reason = f"{size_reason}; {reason} ({looked}){stretched}"
    return ImageFormat(height, width, chosen, reason, deep)


def _look(source: Source, at_colour: bool, guards: Guards) -> _Seen:
    spread = np.unique(np.linspace(0, len(source) - 1, min(SAMPLE, len(source))).astype(int))
    seen = _look_at(source, spread.tolist(), at_colour, guards)
    if not seen.sizes and len(source) > len(spread):
        seen = _look_at(source, range(len(source)), at_colour, guards)
    if not seen.sizes:
        why = ", ".join(f"{n:,} {reason}" for reason, n in seen.reasons.most_common(5))
        raise SourceError(
            "at least one image must be usable",
            got=f"{len(source):,} in {source.name!r}: {why}",
            do="Run pictree scan on it to see each file's reason",
        )
    return seen


def _look_at(source: Source, items: Sequence[int], at_colour: bool, guards: Guards) -> _Seen:
    seen = _Seen()
    for item, raw in zip(items, source.read_each(items), strict=True):
        try:
            if isinstance(raw, Unusable):
                raise raw
            header = read_header(raw)
            # Until one is known to be whole, only decoding tells whether anything is usable.
            wanted = at_colour and seen.colour == 0 and seen.looked < COLOUR_LOOKS
            if not seen.sizes or (wanted and not _has_grey_mode(raw, header)):
                seen.looked += 1
                seen.colour += _has_colour(raw, header, guards)
        except Unusable as problem:
            seen.reasons[str(problem)] += 1
            continue
        if isinstance(raw, bytes) and is_deep(header):
            seen.deep[item] = header
        seen.sizes.append((header.height, header.width))
        if len(seen.sizes) == SAMPLE:
            break
    return seen


def _has_grey_mode(raw: bytes | np.ndarray, header: Header) -> bool:
    if isinstance(raw, np.ndarray):
        return raw.ndim == 2 or raw.shape[2] == 1
    return header.mode in _GREY_MODES or header.mode.startswith("I;16")


def _has_colour(raw: bytes | np.ndarray, header: Header, guards: Guards) -> bool:
    share = min(1.0, LONGEST_SIDE / max(header.width, header.height))
    height, width = (max(1, round(side * share)) for side in (header.height, header.width))
    small = ImageFormat(height, width, 3, "to see whether it has colour")
    pixels, _ = guards.decode(raw, small, None)
    return bool((pixels != pixels[..., :1]).any())


def _choose_size(sizes: list[tuple[int, int]], most: int) -> tuple[int, int, str]:
    heights, widths = np.array(sizes).T
    tallest, widest = int(heights.max()), int(widths.max())
    longest = min(most, max(tallest, widest))
    if len(set(sizes)) == 1:
        if max(sizes[0]) <= most:
            return tallest, widest, f"all are {widest}×{tallest}, kept as they are"
        height, width = _with_aspect(widest / tallest, longest)
        return height, width, f"all are {widest}×{tallest}, brought to {width}×{height}"
    aspects = widths / heights
    aspect = float(np.median(aspects))
    if (np.abs(aspects / aspect - 1) <= _SAME_ASPECT).all():
        height, width = _with_aspect(aspect, longest)
        return height, width, f"sizes differ, the aspect ratio hardly: {width}×{height}"
    return longest, longest, f"sizes and aspect ratios differ: {longest}×{longest} with a border"


def _with_aspect(aspect: float, longest: int) -> tuple[int, int]:
    """(height, width) with the longest side given."""
    if aspect >= 1:
        return max(1, round(longest / aspect)), longest
    return longest, max(1, round(longest * aspect))
