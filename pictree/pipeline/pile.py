"""The pictures of a fit as they were named, so that any process can open them again."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pictree.errors import InputError
from pictree.images.addresses import is_address
from pictree.images.sources import CompositeSource, Source, open_source


def open_both(pictures: Any, validation: Any) -> tuple[Source, int]:
    """Open both as one source; return it and how many items are not for validation."""
    source = open_source(pictures)
    if validation is None:
        return source, len(source)
    held_out = open_source(validation)
    parts = [p for s in (source, held_out) for p in getattr(s, "parts", [s])]
    return CompositeSource(parts), len(source)


@dataclass(frozen=True)
class Pile:
    """What the user named, absolute, to be sent to other processes.

    Attributes
    ----------
    pictures, validation : str, tuple of str or None
    """

    pictures: str | tuple[str, ...]
    validation: str | tuple[str, ...] | None = None

    @classmethod
    def of(cls, engine: str, pictures: Any, validation: Any = None) -> Pile:
        """Return what other processes can open.

        Raises
        ------
        InputError
            If something of it is in this process's memory alone.
        """
        named = _named(engine, pictures)
        return cls(named, None if validation is None else _named(engine, validation))

    def open(self) -> Source:
        """Return the source; opened once in each process."""
        return _open(self)


@lru_cache(maxsize=1)
def _open(pile: Pile) -> Source:
    as_lists = [list(p) if isinstance(p, tuple) else p for p in (pile.pictures, pile.validation)]
    return open_both(*as_lists)[0]


def _named(engine: str, pictures: Any) -> Any:
    if isinstance(pictures, (str, os.PathLike)):
        path = os.fspath(pictures)
        return path if is_address(path) else os.path.abspath(path)  # noqa: PTH100 - keeps symlinks
    if isinstance(pictures, Sequence) and pictures:
        return tuple(_named(engine, item) for item in pictures)
    raise InputError(
        f"the pictures must be files, which other processes can open, with --engine {engine}",
        got=f"{type(pictures).__name__} in memory",
        do="Save them, for example with numpy.save, or leave the engine out",
    )
