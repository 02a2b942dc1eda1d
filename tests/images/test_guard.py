"""A decoder that crashes, hangs or eats memory costs its picture alone.

The faults are real: a plug-in of the test's own, which the child process imports, dies by a signal,
loops, or takes memory until there is none, when it meets a TIFF that says so.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import struct
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import AppendingTiffWriter

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
HANGS = """
import os
from PIL import TiffImagePlugin

def hang(image):
    with open({told!r} + ".new", "w") as file:
        file.write(str(os.getpid()))
    os.rename({told!r} + ".new", {told!r})
    while True:
        pass

TiffImagePlugin.TiffImageFile.load = hang
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


def stack(pages: list[bytes]) -> bytes:
    """One TIFF of several, whose descriptions stay."""
    buffer = io.BytesIO()
    with AppendingTiffWriter(buffer, new=True) as writer:
        for raw in pages:
            image = Image.open(io.BytesIO(raw))
            image.save(writer, "TIFF", description=str(image.tag_v2.get(270, "")))
            writer.newFrame()
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("crash", "its decoder crashed"),
        ("eat", "needs more memory than there is"),
    ],
)
def test_all_pages_after_it_are_used(
    tmp_path: Path, bad_decoder: None, said: str, reason: str
) -> None:
    pages = [picture("TIFF", i, said if i in (0, 3) else "") for i in range(6)]
    (tmp_path / "stack.tif").write_bytes(stack(pages))
    source = open_source(tmp_path / "stack.tif")
    frame, pixels = take_stock(source, range(6), FMT, first_id=0, seen={})
    told = dict(frame.filter(frame["outcome"] != "used").select("path", "reason").rows())
    assert told == {"stack.tif[0]": reason, "stack.tif[3]": reason}
    assert [p[0, 0, 0] for p in pixels] == [1, 2, 4, 5]


def test_a_page_of_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    wide = io.BytesIO()
    Image.new("L", (777, 2)).save(wide, "TIFF")
    raw = stack([picture("TIFF", 1), wide.getvalue(), picture("TIFF", 2)])
    width = struct.pack("<HHLL", 256, 4, 1, 777)
    assert raw.count(width) == 1
    lying = raw.replace(width, struct.pack("<HHLL", 256, 4, 1, 100_000_000))
    (tmp_path / "stack.tif").write_bytes(lying)
    frame, pixels = take_stock(
        open_source(tmp_path / "stack.tif"), range(3), FMT, first_id=0, seen={}
    )
    assert frame["outcome"].to_list() == ["used", "too large", "used"]
    assert frame["reason"][1] == "more than 178,956,970 pixels"
    assert len(pixels) == 2


def test_stacks_share_a_child_which_ends_with_the_last_of_them(tmp_path: Path) -> None:
    pages = [picture("TIFF", i) for i in range(3)]
    for name in ("a.tif", "b.tif"):
        (tmp_path / name).write_bytes(stack(pages))
    one, other = open_source(tmp_path / "a.tif"), open_source(tmp_path / "b.tif")
    assert one.read(1) == other.read(1) != one.read(2)
    (child,) = one._guards._every
    del one
    assert decode(other.read(2), FMT)[0][0, 0].tolist() == [2, 4, 3]
    assert child._process.poll() is None
    del other
    gc.collect()
    assert child._process.poll() is not None


def test_a_stack_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    file = tmp_path / "stack.tif"
    file.write_bytes(stack([picture("TIFF", i) for i in range(2)]))
    source = open_source(file)
    file.unlink()
    assert str(source.try_to_read(1)) == "unreadable: the file is gone"


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


WAITS_FOR_A_HANG = """
import sys
from pictree.images.decode import ImageFormat
from pictree.images.guard import Guards

with Guards() as guards:
    guards.decode(open(sys.argv[1], "rb").read(), ImageFormat(8, 8, 3, ""), None)
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_that_decodes_ends_with_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The decoder hangs, and says who it is; whoever ended the parent asked no child to end."""
    (tmp_path / "sitecustomize.py").write_text(HANGS.format(told=str(tmp_path / "told")))
    (tmp_path / "hangs.tif").write_bytes(picture("TIFF", 1))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    words = [sys.executable, "-c", WAITS_FOR_A_HANG, str(tmp_path / "hangs.tif")]
    with subprocess.Popen(words) as parent:
        while not (tmp_path / "told").exists():
            assert parent.poll() is None
            time.sleep(0.01)
        child = int((tmp_path / "told").read_text())
        assert is_alive(child)
        parent.send_signal(number)
        assert parent.wait() == -number
    while is_alive(child):
        time.sleep(0.01)


def is_alive(process: int) -> bool:
    """Tell whether a process is there, and no mere entry that nobody has asked for yet."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_without_children_it_is_done_in_threads(monkeypatch) -> None:
    monkeypatch.setattr(guard.sys, "executable", "/nowhere/python")
    with Guards() as guards:
        assert guards.decode(picture("BMP", 5), FMT, None)[0][0, 0].tolist() == [5, 10, 3]
        assert guards._every == []
