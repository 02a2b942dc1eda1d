"""manifest.json: the SHA-256 of every file of a run, and what differs from it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pictree.errors import RunError
from pictree.files import sha256_of, write_json
from pictree.locks import LOCK_FILES
from pictree.reading import MANIFEST, missing, read_json

UNFINISHED_ADD, LABELS = "adding.json", "labels.db"
PREDICTIONS = "predictions.csv"
_LEFT_OUT = (MANIFEST, UNFINISHED_ADD, LABELS, PREDICTIONS, *LOCK_FILES)
_LEFT_OUT_BELOW = ("adding/", f"{LABELS}-")
_ALWAYS_NEW = ("run.json", "report.html", "checkpoints/")
"""What any command may have written before it was killed, and what nothing needs any more."""
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Condition:
    """How the files of a run stand to its manifest; names relative to the run, sorted.

    Attributes
    ----------
    files : int
        How many the manifest lists.
    damaged : list of str
        There, with another content or unreadable.
    missing : list of str
    foreign : list of str
        There, and not listed.
    """

    files: int
    damaged: list[str]
    missing: list[str]
    foreign: list[str]

    @property
    def bad(self) -> list[str]:
        """What is damaged or missing."""
        return sorted(self.damaged + self.missing)


Entries = dict[str, tuple[str, "Stamp | None"]]
"""By name, the manifest's digest, and what the file was like; None for one that was not there."""
Stamp = tuple[int, ...]


def entries(folder: Path) -> Entries:
    """Return a finished run's manifest, and what its files are like before a command changes some.

    None are told where the manifest is absent or torn, or a killed `add` may have changed files.
    """
    if not (folder / MANIFEST).exists() or (folder / UNFINISHED_ADD).exists():
        return {}
    try:
        listed = read_manifest(folder)
    except RunError:
        return {}
    now = _stamps(folder)
    return {name: (digest, now.get(name)) for name, digest in listed.items()}


def _stamps(folder: Path) -> dict[str, Stamp]:
    """Return what tells that a file was written since, of every file."""
    states = {name: (folder / name).stat() for name in files_of(folder)}
    return {name: (s.st_ino, s.st_size, s.st_mtime_ns) for name, s in states.items()}


def write_manifest(folder: Path, before: Entries | None = None) -> None:
    """Write the SHA-256 of every file of the run in ``folder``; to be called last.

    Parameters
    ----------
    folder : Path
    before : Entries, optional
        What `entries` gave when the command began. What the command did not write keeps the digest
        that it had, be it damaged or gone by now: else a command would hide that from `verify`.
    """
    now = _stamps(folder)
    kept = {
        name: digest
        for name, (digest, stamp) in (before or {}).items()
        if now.get(name) == stamp and not name.startswith(_ALWAYS_NEW)
    }
    found = kept | {name: sha256_of(folder / name) for name in now if name not in kept}
    write_json(folder / MANIFEST, dict(sorted(found.items())))


def read_manifest(folder: Path, file: str = MANIFEST) -> dict[str, str]:
    """Return the names and SHA-256 that the manifest of a run lists.

    Raises
    ------
    RunError
        If it is absent, torn, or lists what no run has, such as a name that leads outside.
    """
    listed = read_json(folder / file)
    is_ours = isinstance(listed, dict) and all(
        isinstance(digest, str) and _DIGEST.fullmatch(digest) and _is_inside(name)
        for name, digest in listed.items()
    )
    if not is_ours:
        raise RunError(
            "A run's manifest must list files of the run and their SHA-256",
            got=f"another content in {folder / file}",
            do="Restore that file from a copy",
        )
    return listed


def is_there(folder: Path, name: str) -> bool:
    """Tell whether a run has a file that not every run has.

    Raises
    ------
    RunError
        If it is gone: the manifest of the finished run lists it.
    """
    if (folder / name).exists():
        return True
    if (folder / MANIFEST).exists() and name in read_manifest(folder):
        raise missing(folder / name)
    return False


def condition(folder: Path) -> Condition:
    """Read every file of a run, and compare it with the manifest."""
    listed, present = read_manifest(folder), set(files_of(folder))
    return Condition(
        len(listed),
        [name for name in sorted(present & set(listed)) if not agrees(folder, name, listed[name])],
        sorted(set(listed) - present),
        sorted(present - set(listed)),
    )


def agrees(folder: Path, name: str, digest: str) -> bool:
    """Tell whether a file can be read and has this SHA-256."""
    try:
        return sha256_of(folder / name) == digest
    except OSError:
        return False


def refuse_changed(folder: Path, names: Iterable[str]) -> None:
    """Refuse files that are not as the manifest says, before they are used.

    Nothing is refused while there is no manifest: in the middle of a fit or an add.

    Raises
    ------
    RunError
        It names the first such file.
    """
    if not (folder / MANIFEST).exists():
        return
    listed = read_manifest(folder)
    for name in names:
        if not agrees(folder, name, listed.get(name, "")):
            raise RunError(
                "Every file of a run must be as its manifest says",
                got=f"{folder / name}, which was changed since",
                do="Mend it by `pictree verify --repair RUN`, or restore it from a copy",
            )


def files_of(folder: Path) -> list[str]:
    """Return the files that belong in the manifest; no link to a folder is followed."""
    found = []
    for above, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if ".tmp-" not in name]
        here = [Path(above, name) for name in files]
        # A pipe that somebody put there would be waited for.
        found += [file.relative_to(folder).as_posix() for file in here if file.is_file()]
    return sorted(
        name
        for name in found
        if name not in _LEFT_OUT and ".tmp-" not in name and not name.startswith(_LEFT_OUT_BELOW)
    )


def _is_inside(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return bool(parts) and ".." not in parts and not name.startswith("/") and "\0" not in name
