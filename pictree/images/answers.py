"""What a child process of `pictree.images.guard` does: files in, pixels out."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import sys
from collections.abc import Callable
from dataclasses import astuple
from typing import Any

from pictree.images import decode as decoding
from pictree.images.decode import ImageFormat, decode
from pictree.images.deep import used_values
from pictree.images.guard import MEMORY, SECONDS, receive, send
from pictree.images.outcome import Unusable
from pictree.images.pages import Pages

Answer = Callable[[bytes, list[Any]], tuple[dict[str, Any], bytes]]
"""Takes a file, or the name of one, and what to do with it; returns what is said, and bytes."""


class Turn:
    """One large picture at a time, over all children: a lock of this process on a shared file."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __enter__(self) -> None:
        fcntl.lockf(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.lockf(self._handle, fcntl.LOCK_UN)


def answer_all(turns: int | None) -> None:
    """Answer what comes on standard input until it ends."""
    _lower(resource.RLIMIT_AS, MEMORY)
    if turns is not None:
        decoding.take_turns(Turn(turns))
    source, to = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    pages = Pages()
    answers: dict[str, Answer] = {
        "decode": _decode,
        "used": lambda raw, _: ({"used": used_values(raw)}, b""),
        "page": lambda raw, words: ({}, pages.read(os.fsdecode(raw), *words)),
    }
    to.write(b"!")
    to.flush()
    while True:
        try:
            (what, words), raw = json.loads(receive(source)), receive(source)
        except ValueError:
            return
        used = resource.getrusage(resource.RUSAGE_SELF)
        _lower(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + SECONDS)
        said, found = _answer(answers[what], raw, words)
        send(to, json.dumps(said).encode(), found)


def _lower(what: int, limit: int) -> None:
    _, hard = resource.getrlimit(what)
    bound = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
    resource.setrlimit(what, (bound, hard))


def _decode(raw: bytes, words: list[Any]) -> tuple[dict[str, Any], bytes]:
    pixels, header = decode(raw, ImageFormat(*words))
    return {"header": astuple(header)}, pixels.tobytes()


def _answer(answer: Answer, raw: bytes, words: list[Any]) -> tuple[dict[str, Any], bytes]:
    try:
        said, found = answer(raw, words)
    except Unusable as problem:
        head = None if problem.header is None else astuple(problem.header)
        return {"header": head, "outcome": problem.outcome, "reason": problem.reason}, b""
    return {"outcome": None, **said}, found
