"""Keeps Pillow's warnings, and libtiff's, off the user's terminal."""

from __future__ import annotations

import ctypes
import functools
import logging
import threading
import warnings
from typing import Any

from PIL import Image


class _Quiet:
    """Silences Pillow while any thread is inside; what it silences is global to all threads."""

    def __init__(self) -> None:
        self._lock, self._inside = threading.Lock(), 0
        self._handler = logging.NullHandler()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._caught = warnings.catch_warnings()
                self._caught.__enter__()
                warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)
                logging.getLogger("PIL").addHandler(self._handler)
                self._libtiff = [set_handler(None) for set_handler in _libtiff_setters()]
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                for set_handler, handler in zip(_libtiff_setters(), self._libtiff, strict=True):
                    set_handler(handler)
                logging.getLogger("PIL").removeHandler(self._handler)
                self._caught.__exit__(None, None, None)


quiet = _Quiet()
"""``with quiet:`` around every use of Pillow; may be nested, and entered from many threads."""


@functools.cache
def _libtiff_setters() -> list[Any]:
    """Ways to stop libtiff printing a line for each odd tag, which Pillow does not offer."""
    try:
        library = ctypes.CDLL(Image.core.__file__)  # finds libtiff, which it is linked to
        setters = [library.TIFFSetErrorHandler, library.TIFFSetWarningHandler]
    except (AttributeError, OSError):  # linked another way: then its lines are seen
        return []
    for setter in setters:
        setter.argtypes, setter.restype = [ctypes.c_void_p], ctypes.c_void_p
    return setters
