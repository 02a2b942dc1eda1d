"""Checks of a recipe's values: each says what must hold, what was got, what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from pictree.errors import RecipeError


def check_choice(key: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a value that is none of `choices`."""
    if not isinstance(value, str) or value not in choices:
        raise RecipeError(
            f"{key} must be one of {', '.join(choices)}",
            got=repr(value),
            do="Write one of them in quotes",
        )


def check_switch(key: str, value: Any) -> None:
    """Refuse a value that is neither true nor false."""
    if not isinstance(value, bool):
        raise RecipeError(
            f"{key} must be true or false", got=repr(value), do="Write it without quotes"
        )


def check_number(
    key: str,
    value: Any,
    kind: type,
    low: float,
    high: float | None = None,
    *,
    above: bool = False,
    below: bool = False,
) -> None:
    """Refuse a value that is no number between `low` and `high`.

    Parameters
    ----------
    key : str
    value : object
    kind : {int, float}
        float takes whole numbers too; neither takes booleans.
    low, high : float
        Limits; no upper one where `high` is None.
    above, below : bool
        The lower, or upper, limit itself is refused.
    """
    noun = "a whole number" if kind is int else "a number"
    limits = f"{'above' if above else 'of at least'} {low:,}"
    if high is not None:
        limits += f" and {'below' if below else 'at most'} {high:,}"
    takes = int if kind is int else (int, float)
    if isinstance(value, bool) or not isinstance(value, takes):
        raise RecipeError(f"{key} must be {noun} {limits}", got=repr(value), do="Change it")
    inside = low < value if above else low <= value
    if high is not None:
        inside &= value < high if below else value <= high
    if not inside:  # NaN comes here too
        raise RecipeError(f"{key} must be {noun} {limits}", got=repr(value), do="Change it")


def check_widths(key: str, value: Any, *, most: int, length: int | None = None) -> None:
    """Refuse a value that is no tuple of (`length`) whole numbers from 1 to `most`."""
    count = "any number of" if length is None else str(length)
    good = isinstance(value, tuple) and (length is None or len(value) == length)
    if good and all(type(item) is int and 1 <= item <= most for item in value):
        return
    got = repr(list(value)) if isinstance(value, tuple) else repr(value)
    raise RecipeError(
        f"{key} must be a list of {count} whole numbers from 1 to {most:,}",
        got=got,
        do="Change it",
    )


def check_k(key: str, value: Any) -> None:
    """Refuse a value that is neither "auto", nor a number from 2, nor a range "low:high"."""
    if value == "auto" or (type(value) is int and value >= 2):
        return
    found = re.fullmatch(r"(\d+)(?::(\d+))?", value) if isinstance(value, str) else None
    if found:
        low, high = int(found[1]), int(found[2] or found[1])
        if 2 <= low <= high:
            return
    raise RecipeError(
        f'{key} must be "auto", a whole number of at least 2, or a range as "5:40"',
        got=repr(value),
        do="Change it",
    )
