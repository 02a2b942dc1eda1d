"""What fuzzers feed bytes to: each reader of files from anybody, refusing by our errors alone."""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pictree.errors import UserError
from pictree.images.archives import open_tar, open_zip
from pictree.images.base import Source
from pictree.images.idx import read_idx
from pictree.images.numpy_files import npz_arrays, open_npy, read_npz
from pictree.images.outcome import Unusable

_MEMORY = "/dev/shm"  # noqa: S108 - where files cost no disk; the folder in it is our own


def _members(source: Source) -> None:
    for row in range(min(len(source), 20)):
        with contextlib.suppress(Unusable):
            source.read(row)


def _npz(path: str) -> None:
    for key in list(npz_arrays(path))[:20]:
        with contextlib.suppress(UserError):
            np.asarray(read_npz(path, key)).sum()


TARGETS: dict[str, tuple[str, Callable[[str], object]]] = {
    "idx": ("x", read_idx),
    "npy": ("x.npy", lambda path: np.array(open_npy(path).images)),
    "npz": ("x.npz", _npz),
    "tar": ("x.tar", lambda path: _members(open_tar(path))),
    "zip": ("x.zip", lambda path: _members(open_zip(path))),
}
"""The file's name, and what reads it."""


def feed(target: str, raw: bytes) -> None:
    """Let a reader read these bytes from a file; anything but our refusal is raised."""
    name, read = TARGETS[target]
    base = _MEMORY if Path(_MEMORY).is_dir() else None
    with tempfile.TemporaryDirectory(dir=base) as folder, warnings.catch_warnings():
        warnings.simplefilter("error")
        path = os.path.join(folder, name)  # noqa: PTH118 - quicker
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(raw)
        with contextlib.suppress(UserError):
            read(path)
