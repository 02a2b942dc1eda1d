"""Numbers, times and file names as a person reads them."""

from __future__ import annotations

import math


def count(number: int) -> str:
    """Return a whole number with thousands separated: ``10,000``."""
    return f"{number:,}"


def short(number: int) -> str:
    """Return a number in at most five signs: ``9,999``, ``120k``, ``1.2M``."""
    if number < 10_000:
        return count(number)
    if number < 999_500:
        return f"{number / 1e3:.0f}k"
    return f"{number / 1e6:.1f}M"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: ``1 image``, ``10,000 images``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(part: float, whole: float) -> str:
    """Return a share in words, without a line break in it: ``12 %``, ``4.0 %``."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "below\u00a00.1\u00a0%"
    digits = 1 if 0 < share < 9.95 else 0
    return f"{share:.{digits}f}\u00a0%"


def duration(seconds: float) -> str:
    """Return seconds as ``0.4 s``, ``12 s``, ``3 min 5 s`` or ``2 h 10 min``."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def figure(value: float | None, digits: int = 3) -> str:
    """Return a score such as ``0.522``; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value:.{digits}f}".replace("-", "−")


def shown(text: str) -> str:
    """Return a file name or label with its invisible characters spelled out.

    A line break becomes a backslash and an n, and a sign that turns the direction of
    writing its code, so that no name can look like another one.
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
