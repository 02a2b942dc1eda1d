"""Thirty zip and tar files: what leads outside, links, nests or swells is refused by itself."""

from __future__ import annotations

import io
import tarfile
import zipfile
from itertools import product
from pathlib import Path

import pytest
from PIL import Image

from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source

OUTSIDE = "a name that leads outside the archive"
LINK, NESTED = "a link inside an archive", "an archive inside an archive"
BOMB = "file above 256 MiB"
EVIL = {
    "../up.png": OUTSIDE,
    "a/../../up.png": OUTSIDE,
    "/abs.png": OUTSIDE,
    "..\\up.png": OUTSIDE,
    "C:\\up.png": OUTSIDE,
    "\\\\host\\up.png": OUTSIDE,
    "link.png": LINK,
    "in.zip": NESTED,
    "in.tar.gz": NESTED,
    "bomb.png": BOMB,
}
WAYS = ["zip", "tar", "tar.gz"]


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (4, 4), value).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, name: str, raw: bytes) -> None:
    """Pack an evil member between two good ones."""
    members = [("a.png", png(1)), (name, raw), ("z.png", png(2))]
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for member, content in members:
                info = zipfile.ZipInfo(member)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = (0o120777 if member == "link.png" else 0o100644) << 16
                file.writestr(info, content)
        return
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as file:
        for member, content in members:
            info = tarfile.TarInfo(member)
            if member == "link.png":
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
            else:
                info.size = len(content)
            file.addfile(info, io.BytesIO(content))


@pytest.mark.parametrize(("way", "name"), [*product(WAYS, EVIL)])
def test_it_is_refused_and_the_others_are_used(tmp_path: Path, way: str, name: str) -> None:
    raw = bytes(257 * 2**20) if EVIL[name] is BOMB else png(9)
    path = tmp_path / f"pictures.{way}"
    pack(path, name, raw)
    source = open_source(path)
    frame, pixels = take_stock(source, range(3), ImageFormat(4, 4, 1, ""), first_id=0, seen={})
    told = dict(frame.filter(frame["outcome"] != "used").select("path", "reason").rows())
    assert told == {name: EVIL[name]}
    assert sorted(pixels[:, 0, 0, 0].tolist()) == [1, 2]
    assert list(tmp_path.iterdir()) == [path]
