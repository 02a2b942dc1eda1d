"""A run at an address: files first, and last the list of them, by which alone they are a run.

A list tells the SHA-256 of each file: manifest.json, or unfinished.json while the fit goes on. It
is put in one piece, and at any time says what the folder there is:

1. new files are put under their names, changed ones below ``publishing/``;
2. the list is put;
3. the changed ones are copied to their names, and those that are no more are removed.

Who reads takes each file from where its content is as listed. So a writer that is killed leaves
either what was there before or the new run, and the next writer puts the folder in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from pictree.errors import RunError
from pictree.files import json_bytes, sha256_of, write_bytes, write_json
from pictree.manifest import MANIFEST, read_manifest
from pictree.pipeline.shelf import Shelf, each

UNFINISHED = "unfinished.json"
CHANGED, GONE = "publishing/", "publishing.json"
Listed = dict[str, str]
"""Names and SHA-256."""


def listed(shelf: Shelf) -> tuple[str | None, Listed]:
    """Return which list is there, and what it says; (None, {}) where there is none.

    Raises
    ------
    RunError
        If it is no list, or can't be read.
    """
    for name in (MANIFEST, UNFINISHED):
        raw = shelf.read(name)
        if raw is not None:
            with TemporaryDirectory(prefix="pictree-") as folder:
                write_bytes(Path(folder, name), raw)
                return name, read_manifest(Path(folder), name)
    return None, {}


def publish(shelf: Shelf, folder: Path, files: Mapping[str, str], name: str) -> None:
    """Make the folder there what these files are.

    Parameters
    ----------
    shelf : Shelf
    folder : Path
        Where the files are.
    files : mapping of str to str
        Their names and SHA-256.
    name : str
        Of the list.

    Raises
    ------
    RunError
        If the store doesn't take them.
    """
    last, before = listed(shelf)
    _put_in_order(shelf, last, before)
    changed = [file for file in files if before.get(file, files[file]) != files[file]]
    new = {file: folder / file for file in files if file not in before}
    gone = [file for file in before if file not in files]
    shelf.put(new | {CHANGED + file: folder / file for file in changed})
    if gone:
        shelf.write(GONE, json_bytes(gone))
    if name == MANIFEST or dict(files) != before or last is None:
        shelf.write(name, json_bytes(dict(files)))
    each(lambda file: shelf.copy(CHANGED + file, file), changed)
    each(shelf.remove, [*gone, *(CHANGED + file for file in changed)])
    if gone:
        shelf.remove(GONE)
    if last == UNFINISHED and name == MANIFEST:
        shelf.remove(UNFINISHED)


def _put_in_order(shelf: Shelf, last: str | None, files: Listed) -> None:
    """Do the last step of a writer that was killed before it, or forget its first."""

    def one(there: str) -> None:
        name = there.removeprefix(CHANGED)
        with TemporaryDirectory(prefix="pictree-") as folder:
            copy = Path(folder, "file")
            if name in files and shelf.get(there, copy) and sha256_of(copy) == files[name]:
                shelf.copy(there, name)
        shelf.remove(there)

    each(one, shelf.names(CHANGED))
    if (told := shelf.read(GONE)) is not None:
        gone = set(json.loads(told)) - set(files)
        each(shelf.remove, sorted(gone & set(shelf.names())))
        shelf.remove(GONE)
    if last == MANIFEST:
        shelf.remove(UNFINISHED)


def fetch(shelf: Shelf, folder: Path, files: Listed, names: Iterable[str] | None = None) -> None:
    """Copy files of a list to a folder.

    Parameters
    ----------
    shelf : Shelf
    folder : Path
    files : mapping of str to str
    names : iterable of str, optional
        All of them by default.

    Raises
    ------
    RunError
        If one is not as listed; or the store, or this machine's disk, does not do its part.
    """

    def one(name: str) -> None:
        # Put in order while we look, it is first below `publishing/` and then under its name.
        for there in (name, CHANGED + name, name):
            if shelf.get(there, folder / name) and sha256_of(folder / name) == files[name]:
                return
        raise RunError(
            "Every file of a run must be as its manifest says",
            got=f"{shelf.address}/{name}, which was changed since",
            do="Run the command again, in case somebody was writing the run; else restore that "
            "file from a copy",
        )

    each(one, files if names is None else names)


def fetch_finished(shelf: Shelf, folder: Path) -> None:
    """Copy a finished run to a folder.

    Raises
    ------
    RunError
        If there is none, or see `fetch`.
    """
    name, files = listed(shelf)
    if name != MANIFEST:
        begun = name == UNFINISHED
        raise RunError(
            "RUN must be a run that `pictree fit` has finished",
            got=f"{shelf.address}, which has no manifest.json",
            do="Finish it: the same `pictree fit` command with --resume"
            if begun
            else "Check the address, or run `pictree fit PICTURES -o RUN` first",
        )
    fetch(shelf, folder, files)
    write_json(folder / MANIFEST, files)
