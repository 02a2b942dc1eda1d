from __future__ import annotations

import gc
import io
import os
import tarfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.errors import SourceError
from pictree.images.decode import ImageFormat, Unusable
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (3, 3), value).save(buffer, "PNG")
    return buffer.getvalue()


def make_tar(path: Path, mode: str, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, mode) as file:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            file.addfile(info, io.BytesIO(body))
    return path


def outcomes(source) -> dict[str, str]:
    found = {}
    for i, path in enumerate(source.paths):
        try:
            source.read(i)
            found[path] = "read"
        except Unusable as problem:
            found[path] = f"{problem.outcome}: {problem.reason}"
    return found


def test_zip(tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as file:
        for name in ("b.png", "a/1.png", "a/", "__MACOSX/._b.png", ".hidden.png"):
            file.writestr(name, png(5))
    source = open_source(path)
    assert list(source.paths) == ["a/1.png", "b.png"]
    assert source.read(0) == png(5)


def test_zip_slip_links_nested_encrypted_and_bombs(tmp_path):
    path = tmp_path / "evil.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("../up.png", "/etc/abs.png", "a/../../b.png", "C:/x.png", "..\\w.png"):
            file.writestr(name, png(1))
        file.writestr("in.zip", b"PK")
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
        file.writestr("ok.png", png(2))
        with file.open("zeros.png", "w") as big:
            for _ in range(257):
                big.write(b"\0" * 2**20)
    raw = bytearray(path.read_bytes())
    entry = raw.rindex(b"PK\x01\x02", 0, raw.rindex(b"ok.png"))
    raw[entry + 8] |= 1  # the flag "encrypted" of ok.png in the directory
    path.write_bytes(raw)
    before = sorted(tmp_path.rglob("*"))
    outside = "refused: a name that leads outside the archive"
    assert outcomes(open_source(path)) == {
        "../up.png": outside,
        "..\\w.png": outside,
        "/etc/abs.png": outside,
        "C:/x.png": outside,
        "a/../../b.png": outside,
        "in.zip": "not an image: an archive inside an archive",
        "link.png": "refused: a link inside an archive",
        "ok.png": "unreadable: encrypted",
        "zeros.png": "too large: file above 256 MiB",
    }
    assert sorted(tmp_path.rglob("*")) == before  # nothing was written


def test_damaged_zip_member(tmp_path):
    path = tmp_path / "p.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("a.png", png(1))
        file.writestr("b.png", png(2))
    raw = path.read_bytes()
    path.write_bytes(raw.replace(png(1), bytes(len(png(1)))))
    assert outcomes(open_source(path)) == {
        "a.png": "unreadable: damaged inside the archive",
        "b.png": "read",
    }


@pytest.mark.parametrize(
    ("name", "mode"), [("p.tar", "w"), ("p.tar.gz", "w:gz"), ("p.tbz2", "w:bz2"), ("p.txz", "w:xz")]
)
def test_tar(tmp_path, name, mode):
    members = {f"d/{i}.png": png(i) for i in range(20)}
    source = open_source(make_tar(tmp_path / name, mode, members))
    assert list(source.paths) == list(members)
    assert source.in_order == (name != "p.tar")
    frame, pixels = take_stock(source, range(20), ImageFormat(3, 3, 1, ""), first_id=0, seen={})
    assert frame["outcome"].to_list() == ["used"] * 20
    assert pixels[:, 0, 0, 0].tolist() == list(range(20))
    assert os.listdir(tmp_path) == [name]


def test_tar_links_devices_and_names(tmp_path):
    path = tmp_path / "evil.tar"
    with tarfile.open(path, "w") as file:
        for name, kind in (("sym.png", tarfile.SYMTYPE), ("hard.png", tarfile.LNKTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            file.addfile(info)
        for name, kind in (("fifo.png", tarfile.FIFOTYPE), ("dir", tarfile.DIRTYPE)):
            info = tarfile.TarInfo(name)
            info.type = kind
            file.addfile(info)
        for name in ("../up.png", "/abs.png", "good.png"):
            info = tarfile.TarInfo(name)
            info.size = len(png(1))
            file.addfile(info, io.BytesIO(png(1)))
    outside = "refused: a name that leads outside the archive"
    assert outcomes(open_source(path)) == {
        "sym.png": "refused: a link inside an archive",
        "hard.png": "refused: a link inside an archive",
        "fifo.png": "not an image: a pipe or device, not a file",
        "../up.png": outside,
        "/abs.png": outside,
        "good.png": "read",
    }


def test_tar_cut_short(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8).tobytes()
    path = make_tar(tmp_path / "p.tar.gz", "w:gz", {"a.png": noise, "b.png": noise[::-1]})
    path.write_bytes(path.read_bytes()[:7500])
    found = outcomes(open_source(path))
    assert found["a.png"] == "read"
    assert "unreadable: the archive is cut short" in found.values()


@pytest.mark.parametrize("name", ["p.zip", "p.tar", "p.tar.gz"])
def test_not_an_archive(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(b"this is no archive")
    with pytest.raises(SourceError) as caught:
        open_source(path)
    kind = "zip" if name == "p.zip" else "tar"
    assert str(caught.value) == (
        f"'{path}' must be a whole {kind} file; got a damaged file. "
        "Pack it again, or name the unpacked folder."
    )


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("is_damaged", [True, False])
def test_a_tar_that_is_refused_is_closed(tmp_path, mode, is_damaged):
    path = tmp_path / "p.tar"
    with tarfile.open(path, mode) as file:
        if is_damaged:  # a folder, and a long name that belongs to nothing
            for kind, body in ((tarfile.DIRTYPE, b""), (tarfile.GNUTYPE_LONGNAME, b"name")):
                info = tarfile.TarInfo("folder")
                info.type, info.size = kind, len(body)
                file.addfile(info, io.BytesIO(body))
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always")
        with pytest.raises(SourceError, match="damaged" if is_damaged else "at least one"):
            open_source(path)
        gc.collect()
    assert [str(warning.message) for warning in left] == []


def test_empty_archive(tmp_path):
    path = tmp_path / "p.zip"
    zipfile.ZipFile(path, "w").close()
    with pytest.raises(SourceError) as caught:
        open_source(path)
    assert str(caught.value) == (
        f"an archive of pictures must hold at least one file; got none in '{path}'. "
        "Check the path; hidden files don't count."
    )
