"""A decoder that crashes, hangs or eats memory costs its picture alone.

The faults are real: a plug-in of the test's own, which the child process imports, dies by a signal,
loops, or takes memory until there is none, when it meets a TIFF that says so.
"""

from __future__ import annotations

import io
import os
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.images import guard
from pictree.images.decode import ImageFormat, decode
from pictree.images.deep import used_values
from pictree.images.format import choose_format
from pictree.images.guard import Guards
from pictree.images.inventory import take_stock
from pictree.images.outcome import Unusable
from pictree.images.sources import open_source

FMT = ImageFormat(8, 8, 3, "")
BAD = """
import os, signal
import numpy
from PIL import TiffImagePlugin

load = TiffImagePlugin.TiffImageFile.load

def bad(image):
    said = str(image.tag_v2.get(270, ""))
    if said == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if said == "hang":
        while True:
            pass
    if said == "eat":
        kept = []
        while True:
            kept.append(numpy.empty(2**26, "u1"))
    return load(image)

TiffImagePlugin.TiffImageFile.load = bad
"""
pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs limits on processes")


def picture(kind: str, value: int, said: str = "") -> bytes:
    image, buffer = Image.new("RGB", (9, 8), (value, 2 * value, 3)), io.BytesIO()
    image.save(buffer, kind, **({"description": said} if kind == "TIFF" else {}))
    return buffer.getvalue()


@pytest.fixture
def bad_decoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every child import a decoder with faults, and give up after a second."""
    lines = "\nfrom pictree.images import guard\nguard.SECONDS, guard.MEMORY = 1, 2**30\n"
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "sitecustomize.py").write_text(textwrap.dedent(BAD) + lines)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "code"), *sys.path])


@pytest.mark.parametrize(
    ("said", "outcome", "reason"),
    [
        ("crash", "unreadable", "its decoder crashed"),
        ("hang", "unreadable", "its decoder took more than 60 seconds"),
        ("eat", "too large", "needs more memory than there is"),
    ],
)
def test_all_pictures_after_it_are_used(
    tmp_path: Path, bad_decoder: None, said: str, outcome: str, reason: str
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for i in range(12):
        raw = picture("TIFF", i, said if i in (2, 7) else "")
        (folder / f"{i:02}.tif").write_bytes(raw)
    source = open_source(folder)
    frame, pixels = take_stock(source, range(12), FMT, first_id=0, seen={})
    told = dict(frame.filter(frame["outcome"] != "used").select("path", "reason").rows())
    assert told == {"02.tif": reason, "07.tif": reason}
    assert set(frame["outcome"]) == {"used", outcome}
    assert [p[0, 0, 0] for p in pixels] == [0, 1, 3, 4, 5, 6, 8, 9, 10, 11]


def deep_picture(value: int, said: str) -> bytes:
    values, buffer = np.full((8, 9), value, np.uint16), io.BytesIO()
    values[0] = 100
    Image.fromarray(values).save(buffer, "TIFF", description=said)
    return buffer.getvalue()


@pytest.mark.parametrize("said", ["crash", "hang", "eat"])
def test_the_size_is_chosen_whatever_a_decoder_does(
    tmp_path: Path, bad_decoder: None, said: str
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "0.tif").write_bytes(picture("TIFF", 1, said))
    (folder / "1.tif").write_bytes(deep_picture(9_000, said))
    (folder / "2.tif").write_bytes(deep_picture(4_000, ""))
    chosen = choose_format(open_source(folder))
    assert (chosen.height, chosen.width, chosen.channels) == (8, 9, 1)
    assert chosen.deep == (100, 4_000)


def test_a_child_finds_the_values_that_a_thread_finds() -> None:
    with Guards() as guards:
        for raw in (deep_picture(70, ""), picture("TIFF", 3), b"hello", picture("PNG", 5)):
            assert guards.used_values(raw) == used_values(raw)


def test_a_child_says_the_same_as_a_thread() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 20, 3), np.uint8)
    raws = [b"\x89PN", b"hello", b"%PDF-1.4", b"\0" * 50]
    for kind in ("TIFF", "GIF", "WEBP", "BMP", "PPM", "TGA", "JPEG2000", "PNG", "JPEG"):
        buffer = io.BytesIO()
        Image.fromarray(noise).save(buffer, kind)
        raws += [buffer.getvalue(), buffer.getvalue()[:-40], buffer.getvalue()[:50]]
    with Guards() as guards:
        for raw in [*raws, noise, b""]:
            assert said(guards.decode, raw) == said(decode, raw)


def said(way, raw) -> tuple:
    try:
        pixels, header = way(raw, FMT, None)
    except Unusable as problem:
        return problem.outcome, problem.reason, problem.header
    return pixels.tolist(), header


def test_jpeg_and_png_start_no_child_and_no_child_outlives(monkeypatch) -> None:
    with Guards() as guards:
        for kind in ("PNG", "JPEG"):
            guards.decode(picture(kind, 5), FMT, None)
        assert guards._every == []
        guards.decode(picture("BMP", 5), FMT, None)
        (child,) = guards._every
        assert child._process.poll() is None
    assert child._process.poll() is not None


def test_without_children_it_is_done_in_threads(monkeypatch) -> None:
    monkeypatch.setattr(guard.sys, "executable", "/nowhere/python")
    with Guards() as guards:
        assert guards.decode(picture("BMP", 5), FMT, None)[0][0, 0].tolist() == [5, 10, 3]
        assert guards._every == []
