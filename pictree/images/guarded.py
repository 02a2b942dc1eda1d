"""What a child process of `pictree.images.guard` does: pictures in, pixels out, within limits."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import sys
from dataclasses import astuple

from pictree.images import decode as decoding
from pictree.images.decode import ImageFormat, decode
from pictree.images.deep import used_values
from pictree.images.guard import MEMORY, SECONDS, receive, send
from pictree.images.outcome import Unusable


class Turn:
    """One large picture at a time, over all children: a lock of this process on a shared file."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        fcntl.lockf(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._handle, fcntl.LOCK_UN)


def main(handle: int) -> None:
    """Decode what comes on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _lower(resource.RLIMIT_AS, MEMORY)
    decoding.take_turns(Turn(handle))
    source, to = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    to.write(b"!")
    to.flush()
    while True:
        try:
            asked, raw = json.loads(receive(source)), receive(source)
        except ValueError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)
        send(to, *(_answer(raw, ImageFormat(*asked)) if asked else (_used(raw), b"")))


def _lower(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(what, (bound, hard))


def _used(raw: bytes) -> bytes:
    return json.dumps({"used": used_values(raw)}).encode()


def _answer(raw: bytes, fmt: ImageFormat) -> tuple[bytes, bytes]:
    try:
        pixels, header = decode(raw, fmt)
    except Unusable as problem:
        head = None if problem.header is None else astuple(problem.header)
        said = {"header": head, "outcome": problem.outcome, "reason": problem.reason}
        return json.dumps(said).encode(), b""
    said = {"header": astuple(header), "outcome": None, "reason": ""}
    return json.dumps(said).encode(), pixels.tobytes()


if __name__ == "__main__":
    main(int(sys.argv[1]))
