"""One writer at a time of a run at an address: a file there that names it, and that one can create.

Stores of objects can create a file only where there is none (S3 by ``If-None-Match: *``). The
file is written again every half minute. It has no owner any more when it was not for five, or when
its process was on this machine and is gone: then the next writer takes its place. A writer looks
whether the file is still its own before it publishes, so one that was taken for dead changes
nothing after that.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from pictree.errors import RunError
from pictree.files import json_bytes
from pictree.pipeline.shelf import Shelf

CLAIM = "writing.json"
BEAT_SECONDS = 30.0
SILENT_SECONDS = 300.0
_TRIES = 3


@contextmanager
def claimed(shelf: Shelf) -> Iterator[Claim]:
    """Hold a run at an address for this process.

    Raises
    ------
    RunError
        If another process writes it, or it can't be written.
    """
    claim, ended = Claim(shelf, secrets.token_hex(8), _time()), threading.Event()
    claim.take()
    beating = threading.Thread(target=claim.beat, args=(ended,), daemon=True)
    beating.start()
    try:
        yield claim
    finally:
        ended.set()
        beating.join()  # else it may write the file anew
        with suppress(RunError):  # what ended the writer is told, not this
            if claim.is_mine():
                shelf.remove(CLAIM)


@dataclass(frozen=True)
class Claim:
    """A process's word that it writes a run.

    Parameters
    ----------
    shelf : Shelf
    token : str
        No other claim's.
    since : str
    """

    shelf: Shelf
    token: str
    since: str

    def take(self) -> None:
        """Put the file there, in the place of a dead writer's; see `claimed`."""
        for _ in range(_TRIES):
            theirs = _read(self.shelf)
            if theirs is not None:
                if not _is_dead(theirs):
                    raise self._refusal(theirs)
                self.shelf.remove(CLAIM)
            # Looked at again: some servers create over what is there, and the last one has it then.
            if self.shelf.create(CLAIM, self._said()) and self.is_mine():
                return
        raise self._refusal(_read(self.shelf) or {})

    def is_mine(self) -> bool:
        """Tell whether the file is this process's."""
        theirs = _read(self.shelf)
        return theirs is not None and theirs.get("token") == self.token

    def refuse_lost(self) -> None:
        """Refuse to publish where another process has taken this one for dead."""
        theirs = _read(self.shelf)
        if theirs is None or theirs.get("token") != self.token:
            raise self._refusal(theirs or {})

    def beat(self, ended: threading.Event) -> None:
        """Write the file again and again, so that others see that somebody does."""
        while not ended.wait(BEAT_SECONDS):
            with suppress(RunError):  # a network that is away for a moment; publishing tells more
                if not self.is_mine():
                    return
                self.shelf.write(CLAIM, self._said())

    def _said(self) -> bytes:
        told = {"process": os.getpid(), "machine": socket.gethostname(), "token": self.token}
        return json_bytes({**told, "here": _here(os.getpid()), "since": self.since, "at": _time()})

    def _refusal(self, theirs: dict[str, Any]) -> RunError:
        who = f"process {theirs.get('process', '?')} on {theirs.get('machine', '?')}"
        since = f"since {theirs.get('since', '?')}, last heard of at {theirs.get('at', '?')}"
        return RunError(
            "Only one process may write a run",
            got=f"{self.shelf.address}, which {who} writes, {since}"
            if theirs
            else f"{self.shelf.address}, whose {CLAIM} another process took away",
            do="Wait until it has ended. If it was killed, try again "
            f"{SILENT_SECONDS / 60:g} minutes after it was last heard of, or remove "
            f"{self.shelf.address}/{CLAIM}",
        )


def _read(shelf: Shelf) -> dict[str, Any] | None:
    raw = shelf.read(CLAIM)
    if raw is None:
        return None
    try:
        told = json.loads(raw)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _is_dead(theirs: dict[str, Any]) -> bool:
    """Tell whether a writer is gone: this machine knows, or it was silent for long."""
    here, mine, process = str(theirs.get("here")), _here(os.getpid()), theirs.get("process")
    is_known = mine is not None and here.rpartition("/")[0] == mine.rpartition("/")[0]
    if is_known and isinstance(process, int):
        return _here(process) != here
    try:
        heard = datetime.fromisoformat(theirs["at"])
        return (datetime.now(timezone.utc) - heard).total_seconds() > SILENT_SECONDS
    except (KeyError, TypeError, ValueError):
        return False  # no claim of ours: nobody's to remove


def _here(process: int) -> str | None:
    """Return what no other process has: this start of this machine, and when the process began.

    None where that can't be told, and where there is no such process.
    """
    try:
        started = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{os.readlink('/proc/self/ns/pid')}/{started}"  # noqa: PTH115 - no path
    except (OSError, IndexError):
        return None


def _time() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
