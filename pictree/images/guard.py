"""Decoding in a child process: a decoder that crashes, hangs or eats memory costs one picture.

JPEG and PNG, which most piles are made of and whose decoders are attacked and mended most, are
decoded in the caller's threads: for pictures of 28 × 28 a child would take up to four times as
long. Everything else goes to children with limits on processor time and memory. A child holds one
end of a pipe whose other end is its parent's alone: once that is gone, whatever ended the parent,
the child ends too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import weakref
from collections.abc import Sequence
from dataclasses import astuple
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np

from pictree.images.decode import ImageFormat, decode
from pictree.images.deep import used_values
from pictree.images.outcome import Header, Unusable
from pictree.images.pages import Pages

SECONDS = 60
"""Processor time for one picture; the largest that is allowed takes about ten seconds."""

MEMORY = 6 * 2**30
"""Address space of a child: the largest picture that is allowed needs about 3 GB."""

_IN_THREADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
_LARGEST_PAGE = 2**32
_NO_ANSWER = (OSError, ValueError, KeyError, TypeError)


class Guards:
    """Children that decode, started when they are needed, one for each thread that asks.

    Use as a context manager: at its end no child is left. Where there is no such end, children end
    with the last use of the object.
    """

    def __init__(self) -> None:
        self._idle: queue.LifoQueue[_Child] = queue.LifoQueue()
        self._turns: IO[bytes] | None = None
        self._every: list[_Child] = []
        weakref.finalize(self, _end_all, os.getpid(), self._every)

    def __enter__(self) -> Guards:
        self._turns = TemporaryFile()
        return self

    def __exit__(self, *_: object) -> None:
        _end_all(os.getpid(), self._every)
        if self._turns is not None:
            self._turns.close()

    def decode(
        self, raw: bytes | np.ndarray, fmt: ImageFormat, value_range: tuple[float, float] | None
    ) -> tuple[np.ndarray, Header]:
        """Do what `pictree.images.decode.decode` does, in a child where that is wiser.

        Raises
        ------
        Unusable
        """
        child = None if isinstance(raw, np.ndarray) else self._child_for(raw)
        if child is None or isinstance(raw, np.ndarray):
            return decode(raw, fmt, value_range)
        try:
            return child.decode(raw, fmt)
        finally:
            self._idle.put(child)

    def used_values(self, raw: bytes) -> tuple[int, int] | None:
        """Do what `pictree.images.deep.used_values` does, in a child where that is wiser."""
        child = self._child_for(raw)
        if child is None:
            return used_values(raw)
        try:
            return child.used_values(raw)
        finally:
            self._idle.put(child)

    def page(self, path: str, number: int) -> bytes:
        """Do what `pictree.images.pages.Pages.read` does, in a child where there can be one.

        Raises
        ------
        Unusable
        """
        child = None if os.name == "nt" else self._child()
        if child is None:
            pages = Pages()
            with contextlib.closing(pages):
                return pages.read(path, number)
        try:
            return child.page(path, number)
        finally:
            self._idle.put(child)

    def _child_for(self, raw: bytes) -> _Child | None:
        if not raw or raw.startswith(_IN_THREADS) or os.name == "nt":
            return None
        return self._child()

    def _child(self) -> _Child | None:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            pass
        try:
            child = _Child(self._turns)
        except OSError:  # no more processes, or no Python to start: rather threads than nothing
            return None
        self._every.append(child)
        return child


def _end_all(process: int, children: list[_Child]) -> None:
    """End children; those of a process that this one was forked from are not its own."""
    if process == os.getpid():
        for child in children:
            child.end()


class _Child:
    """One child process; after a death of it the next picture starts another."""

    def __init__(self, turns: IO[bytes] | None) -> None:
        self._turns = turns
        self._life: int | None = None
        self._start()

    def _start(self) -> None:
        life, self._life = os.pipe()
        try:
            self._start_with(life)
        except OSError:
            self._let_go()
            raise
        finally:
            os.close(life)
        assert self._process.stdout is not None  # noqa: S101 - for mypy
        if self._process.stdout.read(1) != b"!":
            self.end()
            raise OSError("no child could be started")

    def _start_with(self, life: int) -> None:
        handles = [life, *([self._turns.fileno()] if self._turns else [])]
        words = [sys.executable, "-m", "pictree.images.guarded", *map(str, handles)]
        paths = os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=handles,
            env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
        )
        assert self._process.stdin is not None  # noqa: S101 - for mypy
        _widen(self._process.stdin.fileno())

    def decode(self, raw: bytes, fmt: ImageFormat) -> tuple[np.ndarray, Header]:
        most = fmt.height * fmt.width * fmt.channels
        try:
            said, pixels = self._ask("decode", astuple(fmt), raw, most)
            header = None if said["header"] is None else Header(*said["header"])
            if said["outcome"] is None and header is not None:
                shape = (fmt.height, fmt.width, fmt.channels)
                return np.frombuffer(pixels, np.uint8).reshape(shape), header
        except _NO_ANSWER:
            raise self._death() from None
        raise Unusable(said["outcome"], said["reason"], header)

    def page(self, path: str, number: int) -> bytes:
        try:
            said, page = self._ask("page", [number], os.fsencode(path), _LARGEST_PAGE)
            if said["outcome"] is None:
                return page
            problem = Unusable(said["outcome"], said["reason"])
        except _NO_ANSWER:
            problem = self._death()
        raise problem

    def used_values(self, raw: bytes) -> tuple[int, int] | None:
        try:
            used = self._ask("used", (), raw, 0)[0]["used"]
            return (int(used[0]), int(used[1])) if used else None
        except _NO_ANSWER:
            self._death()
            return None

    def _ask(
        self, what: str, words: Sequence[Any], raw: bytes, most: int
    ) -> tuple[dict[str, Any], bytes]:
        """Send what to do, and a file; return what is said of it, and at most so many bytes."""
        if self._process.poll() is not None:
            self.end()
            self._start()
        to, back = self._process.stdin, self._process.stdout
        assert to is not None  # noqa: S101 - for mypy
        assert back is not None  # noqa: S101
        try:
            send(to, json.dumps([what, words]).encode(), raw)
            return json.loads(receive(back, 2**16)), receive(back, most)
        except BaseException:  # after Ctrl-C in between, the next answer would be another's
            self._process.kill()
            raise

    def _death(self) -> Unusable:
        self._process.kill()
        code = self._process.wait()
        if code == -signal.SIGXCPU:
            return Unusable("unreadable", f"its decoder took more than {SECONDS} seconds")
        return Unusable("unreadable", "its decoder crashed")

    def end(self) -> None:
        """Kill the child, if it is not dead."""
        self._process.kill()
        self._process.wait()
        self._let_go()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close(pipe)

    def _let_go(self) -> None:
        if self._life is not None:
            os.close(self._life)
            self._life = None


def _widen(pipe: int) -> None:
    """Let a pipe hold a megabyte, where that can be: a usual one holds 64 KiB."""
    import fcntl

    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)


def _close(pipe: IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what was not sent yet has nobody to read it
        pipe.close()


def send(to: IO[bytes], *parts: bytes) -> None:
    """Write each part after its length."""
    for part in parts:
        to.write(len(part).to_bytes(8, "little"))
        to.write(part)
    to.flush()


def receive(source: IO[bytes], most: int = 2**40) -> bytes:
    """Read a part that `send` wrote; ValueError where the other end is gone or says too much."""
    start = source.read(8)
    size = int.from_bytes(start, "little")
    part = source.read(size) if len(start) == 8 and size <= most else b""
    if len(start) < 8 or len(part) < size:
        raise ValueError("the other end is gone, or says too much")
    return part
