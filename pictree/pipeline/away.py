"""A run whose folder is at an address: made in a working folder of this machine, then published."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pictree.engine.base import Engine
from pictree.errors import RunError, UserError
from pictree.files import new_folder, sha256_of, storage_error
from pictree.locks import hold
from pictree.manifest import MANIFEST, files_of, read_manifest
from pictree.pipeline.carried import CARRIED, Carried
from pictree.pipeline.claim import CLAIM, Claim, claimed
from pictree.pipeline.publish import (
    CHANGED,
    GONE,
    UNFINISHED,
    fetch,
    fetch_finished,
    listed,
    publish,
)
from pictree.pipeline.shelf import Shelf, address_of
from pictree.progress import Progress

_NO_FILES_YET = ("stocking/",)


@dataclass
class Home:
    """Where a run is made.

    Attributes
    ----------
    folder : Path
        The run folder.
    """

    folder: Path

    def keep(self) -> None:
        """Keep what is there where the run is to be; a stage has ended."""

    def staffed(self, engine: Engine) -> Engine:
        """Return the engine as it works for this run."""
        return engine

    def told(self, found: dict[str, Any]) -> dict[str, Any]:
        """Return what is told of the run, with the place where it will be."""
        return found


@dataclass
class Away(Home):
    """The working folder of a run at an address."""

    shelf: Shelf
    is_finished: bool
    claim: Claim
    _digests: dict[str, tuple[tuple[int, int], str]] = field(default_factory=dict)

    def keep(self) -> None:
        """Publish what is there as an unfinished run."""
        if not self.is_finished:  # else it stays what it was until all is done
            self.claim.refuse_lost()
            publish(self.shelf, self.folder, self._files(), UNFINISHED)

    def staffed(self, engine: Engine) -> Engine:
        """Let machines that see no common disk take their files from the address."""
        return engine if engine.shares_disk else Carried(engine, self.shelf, self.folder)

    def told(self, found: dict[str, Any]) -> dict[str, Any]:
        """Put the address in the place of the working folder."""
        here = str(self.folder)
        return {
            key: value.replace(here, self.shelf.address).replace(os.sep, "/")
            if isinstance(value, str) and value.startswith(here)
            else value
            for key, value in found.items()
        }

    def _files(self) -> dict[str, str]:
        names = [name for name in files_of(self.folder) if not name.startswith(_NO_FILES_YET)]
        return {name: self._digest(name) for name in names}

    def _digest(self, name: str) -> str:
        """Return a file's SHA-256; what has not changed since the last stage is not read again."""
        told = (self.folder / name).stat()
        known = self._digests.get(name)
        if known is None or known[0] != (told.st_size, told.st_mtime_ns):
            digest = sha256_of(self.folder / name)
            self._digests[name] = known = ((told.st_size, told.st_mtime_ns), digest)
        return known[1]


@contextmanager
def home_of(out: str | os.PathLike[str], *, resume: bool, progress: Progress) -> Iterator[Home]:
    """Give the folder in which a run is made; at the end, publish it where it is to be.

    For an address that is a folder of this machine's user, in the folder for temporary files. It
    stays after an error, for ``--resume`` to go on from; without it, from the last stage that is
    at the address.

    Raises
    ------
    RunError
        If there is a run at the address already, or other files, or it can't be written.
    """
    address = address_of(out)
    if address is None:
        yield Home(Path(out))
        return
    shelf, around = Shelf(address), _working_folder(address)
    # The lock is beside the run, whose own goes with it.
    with hold(around), claimed(shelf) as claim:
        is_finished = _begin(shelf, around / "run", resume)
        progress.say(f"working in {around}; the run goes to {address}")
        try:
            yield Away(around / "run", shelf, is_finished, claim)
        except UserError:
            _forget(shelf)
            raise
        _publish(claim, around / "run", progress)
        shutil.rmtree(around / "run", ignore_errors=True)


@contextmanager
def edited(run: str | os.PathLike[str]) -> Iterator[Home]:
    """Give a run's folder to change; of one at an address a copy, published at the end."""
    address = address_of(run)
    if address is None:
        yield Home(Path(run))
        return
    shelf = Shelf(address)
    with claimed(shelf) as claim, fetched(address) as folder:
        yield Away(folder, shelf, is_finished=True, claim=claim)
        _publish(claim, folder, Progress())


@contextmanager
def fetched(run: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a run's folder to read; of one at an address a copy, each file checked by its hash.

    Raises
    ------
    RunError
        If there is no finished run at the address, or a file is not as its manifest says.
    """
    address = address_of(run)
    if address is None:
        yield Path(run)
        return
    with tempfile.TemporaryDirectory(prefix="pictree-") as holder:
        folder = Path(holder, address.rpartition("/")[2])
        fetch_finished(Shelf(address), folder)
        yield folder


def _publish(claim: Claim, folder: Path, progress: Progress) -> None:
    files = read_manifest(folder)
    progress.start("publishing", 1)
    claim.refuse_lost()
    publish(claim.shelf, folder, files, MANIFEST)
    progress.close()


def _working_folder(address: str) -> Path:
    """Return the folder of an address, in one that nobody else can write."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    mine = Path(tempfile.gettempdir(), f"pictree-{user}")
    try:
        mine.mkdir(mode=0o700, exist_ok=True)
        told = mine.lstat()
    except OSError as error:
        raise storage_error(mine, error) from error
    if hasattr(os, "getuid") and (mine.is_symlink() or told.st_uid != user or told.st_mode & 0o022):
        raise RunError(
            "The working folder must be this user's, and writable by nobody else",
            got=str(mine),
            do="Remove it, or set TMPDIR to another folder",
        )
    return mine / hashlib.sha256(address.encode()).hexdigest()[:16]


def _begin(shelf: Shelf, folder: Path, resume: bool) -> bool:
    """Bring the folder to where the run stands; return whether that is finished.

    A new run is announced at the address, which also tells early whether it can be written.
    """
    name, files = listed(shelf)
    if name is None:
        _refuse_foreign(shelf)
    if files and not resume:
        raise RunError(
            "A new run needs a folder of its own",
            got=f"{shelf.address}, which holds a run",
            do="Go on with it by --resume, or choose another folder with -o",
        )
    if not files:
        shutil.rmtree(folder, ignore_errors=True)  # nothing of it was ever published
        publish(shelf, folder, {}, UNFINISHED)
        return False
    if name == MANIFEST or not (folder / "run.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        with new_folder(folder) as copy:
            fetch(shelf, copy, files)
    return name == MANIFEST


def _forget(shelf: Shelf) -> None:
    """Announce no run where nothing of one was kept, as after a mistake in the command."""
    with suppress(RunError):
        if listed(shelf) == (UNFINISHED, {}):
            shelf.remove(UNFINISHED)


def _refuse_foreign(shelf: Shelf) -> None:
    ours = (CHANGED, GONE, CARRIED, CLAIM)  # of a run that was killed at its very start
    if any(not name.startswith(ours) for name in shelf.names()):
        raise RunError(
            "A new run needs an empty folder",
            got=f"{shelf.address}, which holds other files",
            do="Choose another folder with -o",
        )
