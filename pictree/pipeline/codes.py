"""In place of stages 2 and 3: codes that another network made."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pictree.errors import InputError
from pictree.files import sha256_of
from pictree.images.base import printable
from pictree.images.numpy_files import refuse_long_header
from pictree.neighbors import LARGEST
from pictree.progress import Progress
from pictree.store import Run

_IN_MEMORY = "an array in memory"
_ORDER = "Make them again in the order of the files: `pictree scan PICTURES -o FILE.csv` lists it"


def has_autoencoder(run: Run) -> bool:
    """Tell whether a run's codes are of its own network, which can draw them again."""
    return run.info.get("codes") is None and run.info.get("features") is None


@dataclass(frozen=True)
class GivenCodes:
    """A table of codes from outside.

    Attributes
    ----------
    table : ndarray of int or float, shape (n, d)
        Memory-mapped where it comes from a file.
    file : str
        Name of the file, without its folder.
    sha256 : str
        Of the file; of an array, what its .npy file would have.
    """

    table: np.ndarray
    file: str
    sha256: str

    def describe(self) -> dict[str, Any]:
        """Return what run.json says of them."""
        shape, dtype = list(self.table.shape), str(self.table.dtype)
        return {"file": self.file, "sha256": self.sha256, "shape": shape, "dtype": dtype}

    def take(self, rows: np.ndarray) -> np.ndarray:
        """Return the codes in these rows, float32 (len(rows), d).

        Raises
        ------
        InputError
            If one is not finite.
        """
        with np.errstate(over="ignore"):
            codes = self.table[rows].astype(np.float32)
        bad = np.flatnonzero(~(np.abs(codes) <= LARGEST).all(axis=1))
        if len(bad):
            raise InputError(
                f"the codes of used images must be finite and at most {LARGEST:.0e} in size",
                got=f"NaN, infinite or larger numbers in row {rows[bad[0]]} of {self.file}",
                do="Mend what made them",
            )
        return codes


def open_codes(codes: Any) -> GivenCodes:
    """Open codes that another network made.

    Parameters
    ----------
    codes : path-like or array, shape (n, d)
        A .npy file, which is never unpickled, or an array.

    Returns
    -------
    GivenCodes

    Raises
    ------
    InputError
        If the file is absent or damaged, or holds no table of whole numbers or floats.
    """
    if isinstance(codes, (str, os.PathLike)):
        path = Path(codes)
        table, file = _open_npy(path), printable(path.name)
        _refuse_no_table(table, file)
        return GivenCodes(table, file, sha256_of(path))
    table = np.asarray(codes)
    _refuse_no_table(table, _IN_MEMORY)
    digest = _Digest()
    np.lib.format.write_array(digest, table, allow_pickle=False)
    return GivenCodes(table, _IN_MEMORY, digest.sha256.hexdigest())


class _Digest:
    """A file that only counts for its SHA-256."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        self.sha256.update(data)


def _open_npy(path: Path) -> np.ndarray:
    name = repr(printable(str(path)))
    if not path.is_file():
        raise InputError("the codes must exist", got=name, do="Check the path")
    try:
        refuse_long_header(path)
        return np.lib.format.open_memmap(path, mode="r")
    except Exception as error:  # NumPy's header reader raises even tokenize's errors
        raise InputError(
            "the codes must be a whole .npy file of plain numbers",
            got=f"a damaged file, another format or Python objects in {name}",
            do="Save them with numpy.save, without dtype=object",
        ) from error


def _refuse_no_table(table: np.ndarray, file: str) -> None:
    if table.dtype.kind not in "iuf":
        raise InputError(
            "the codes must be whole numbers or floats",
            got=f"{table.dtype} in {file}",
            do="Convert them, for example with .astype('float32')",
        )
    if table.ndim != 2 or 0 in table.shape:
        raise InputError(
            "the codes must be a table with a row of numbers for each picture",
            got=f"shape {table.shape} in {file}",
            do="Reshape them, for example with .reshape(len(codes), -1)",
        )


def take(run: Run, given: GivenCodes, progress: Progress) -> None:
    """Write the codes of the used images, shard by shard, as float32.

    Raises
    ------
    InputError
        If the codes have neither a row for each file nor one for each used image, or are not
        finite. Nothing is written then.
    """
    rows = _rows_of_used(run, given)
    shards = range(run.shard_count("pixels"))
    ends = np.cumsum([len(run.read_array("pixels", shard)) for shard in shards])
    parts = np.split(rows, ends[:-1])
    progress.start("taking the codes", 2 * len(rows))
    for part in parts:
        given.take(part)
        progress.advance(len(part))
    for shard, part in enumerate(parts):
        if not run.shard_file("codes", shard).exists():
            run.write_array("codes", shard, given.take(part))
        progress.advance(len(part))
    progress.close()


def _rows_of_used(run: Run, given: GivenCodes) -> np.ndarray:
    """Rows of the given codes that belong to the used images, in the order of their ids."""
    is_used = (run.inventory()["outcome"] == "used").to_numpy()
    files, used = len(is_used), int(is_used.sum())
    if len(given.table) not in (files, used):
        raise InputError(
            f"the codes must have a row for each of the {files:,} files, or for each of the "
            f"{used:,} images that are used",
            got=f"{len(given.table):,} rows in {given.file}",
            do=_ORDER,
        )
    return np.flatnonzero(is_used) if len(given.table) == files else np.arange(used)


def codes_of_new(run: Run, codes: Any, files: int) -> GivenCodes | None:
    """Open the codes of new pictures, which a run on given codes needs, and no other takes.

    Parameters
    ----------
    run : Run
    codes : path-like, array or None
        A row for each new file.
    files : int
        How many files are new.

    Returns
    -------
    GivenCodes or None
        None for a run that has its own network.

    Raises
    ------
    InputError
        If codes are missing, not wanted, or of another shape.
    """
    stored = run.info.get("codes")
    if stored is None and codes is None:
        return None
    if stored is None:
        raise InputError(
            "only a run on given codes takes codes for new pictures",
            got=f"codes for {run.path}, whose network makes them",
            do="Leave --codes out",
        )
    if codes is None:
        raise InputError(
            "a run on given codes needs codes for new pictures too",
            got=f"none for {run.path}, whose codes came from {stored['file']}",
            do="Make them with the same network, and add --codes FILE.npy",
        )
    given = open_codes(codes)
    _refuse_other_shape(given, files, stored["shape"][1])
    return given


def _refuse_other_shape(given: GivenCodes, files: int, width: int) -> None:
    if len(given.table) != files:
        raise InputError(
            f"the codes must have a row for each of the {files:,} new files",
            got=f"{len(given.table):,} rows in {given.file}",
            do=_ORDER,
        )
    if given.table.shape[1] != width:
        raise InputError(
            f"the codes must have {width:,} numbers each, as those of the fit had",
            got=f"{given.table.shape[1]:,} in {given.file}",
            do="Make them with the network that made the codes of the fit",
        )
