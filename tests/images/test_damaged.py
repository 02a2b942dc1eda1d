"""Tables, packs and archives that are damaged or made to harm: an outcome or one sentence."""

from __future__ import annotations

import io
import json
import lzma
import os
import struct
import tarfile
import tracemalloc
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.errors import SourceError, UserError
from pictree.images.known_labels import read_key
from pictree.images.numpy_files import npz_arrays
from pictree.images.outcome import Unusable
from pictree.images.packed import index_of
from pictree.images.sources import open_source
from pictree.pipeline.pack import pack

EVERY = pytest.mark.parametrize("every", [61, pytest.param(1, marks=pytest.mark.slow)])
INSIDE = "unreadable: damaged inside the table"


def png(value: int) -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(value).integers(0, 256, (9, 9), np.uint8)
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


PNGS = [png(value) for value in range(4)]


def read_all(pictures: object) -> list[str]:
    """Open pictures and read each: what became of it."""
    source = open_source(os.fspath(pictures))  # type: ignore[call-overload]
    found = source.read_each(range(len(source)))
    return [
        f"{raw.outcome}: {raw.reason}" if isinstance(raw, Unusable) else "read" for raw in found
    ]


def refused(pictures: object) -> str:
    with pytest.raises(SourceError) as caught:
        open_source(os.fspath(pictures))  # type: ignore[call-overload]
    return str(caught.value)


def each_byte_changed(file: Path, every: int) -> Iterator[int]:
    """Change one byte after another, and put it back."""
    whole = file.read_bytes()
    for at in range(0, len(whole), every):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
        yield at
    file.write_bytes(whole)


# Parquet


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    file = tmp_path / "p.parquet"
    table = {"image": [{"bytes": raw, "path": "x"} for raw in PNGS], "label": list("abab")}
    pl.DataFrame(table).write_parquet(file)
    return file


def test_rows_of_a_damaged_page_have_an_outcome(parquet: Path) -> None:
    raw = parquet.read_bytes()
    parquet.write_bytes(raw[:8] + bytes(40) + raw[48:])
    assert read_all(parquet) == [INSIDE] * 4


@EVERY
def test_no_changed_byte_of_a_parquet_file_is_our_fault(parquet: Path, every: int) -> None:
    refusals = 0
    for _ in each_byte_changed(parquet, every):
        try:
            read_all(parquet)
            read_key("label", open_source(str(parquet)))
        except UserError:
            refusals += 1
    assert refusals > 3


# packs


@pytest.fixture
def packed(tmp_path: Path) -> Path:
    (tmp_path / "pictures").mkdir()
    for number, raw in enumerate(PNGS):
        (tmp_path / "pictures" / f"{number}.png").write_bytes(raw)
    pack(str(tmp_path / "pictures"), tmp_path / "pack")
    return tmp_path / "pack"


def not_whole(folder: Path) -> str:
    return (
        f"a pack must have all that `pictree pack` wrote; got '{folder}', of which an index is "
        "gone or damaged. Pack the pictures again, into another folder."
    )


PLANS: list[dict[str, Any]] = [
    {"shard_files": 0},
    {"shard_files": None},
    {"items": 0},
    {"items": -4},
    {"items": "4"},
    {"items": 4.0},
    {"items": 10**12},
]


@pytest.mark.parametrize("change", PLANS, ids=str)
def test_a_plan_that_pictree_never_wrote_is_refused(packed: Path, change: dict[str, Any]) -> None:
    plan = json.loads((packed / "pack.json").read_text())
    (packed / "pack.json").write_text(json.dumps(plan | change))
    assert refused(packed) == not_whole(packed)


@pytest.mark.parametrize(
    "column",
    [
        pl.lit(None, pl.Int64).alias("bytes"),
        pl.lit(-1, pl.Int64).alias("bytes"),
        pl.lit(-1, pl.Int64).alias("offset"),
        pl.lit(None, pl.String).alias("path"),
        pl.lit("an outcome", pl.String).alias("outcome"),
    ],
    ids=str,
)
def test_an_index_that_pictree_never_wrote_is_refused(packed: Path, column: pl.Expr) -> None:
    file = index_of(packed, 0)
    pl.read_parquet(file).with_columns(column).write_parquet(file)
    assert refused(packed) == not_whole(packed)


def test_an_entry_that_states_more_than_a_picture_may_have_is_not_read(packed: Path) -> None:
    file = index_of(packed, 0)
    sizes = pl.Series("bytes", [2**60, 10**9, 10**8, 10], pl.Int64)
    pl.read_parquet(file).with_columns(sizes).write_parquet(file)
    large = "too large: file above 256 MiB"
    cut = "unreadable: the archive is cut short"
    assert read_all(packed) == [large, large, cut, "read"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_no_pipe_in_a_pack_is_waited_for(packed: Path) -> None:
    for name in ("pack-00000.tar", "index-00000.parquet", "pack.json"):
        (packed / name).unlink()
        os.mkfifo(packed / name)
        if name.startswith("pack-"):
            assert read_all(packed) == ["not an image: a pipe, socket or device, not a file"] * 4
        elif name.startswith("index"):
            assert refused(packed) == not_whole(packed)
        else:  # no pack any more
            assert refused(packed).startswith("a folder of pictures must hold picture files; got")


@EVERY
def test_no_changed_byte_of_a_pack_is_our_fault(packed: Path, every: int) -> None:
    refusals = 0
    for file in (packed / "pack.json", index_of(packed, 0)):
        for _ in each_byte_changed(file, every):
            try:
                read_all(packed)
            except UserError:
                refusals += 1
    assert refusals > 3


def test_brackets_without_end_are_no_plan(packed: Path) -> None:
    (packed / "pack.json").write_text("[" * 100_000)
    assert refused(packed).startswith("a folder of pictures must hold picture files; got")


# saved data sets


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    arrow, ipc = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.ipc")
    folder = tmp_path / "saved"
    folder.mkdir()
    table = arrow.table({"image": arrow.array(PNGS, arrow.binary()), "label": list("abab")})
    with (
        arrow.OSFile(str(folder / "data-0.arrow"), "wb") as sink,
        ipc.new_stream(sink, table.schema) as writer,
    ):
        writer.write_table(table)
    (folder / "state.json").write_text('{"_data_files": [{"filename": "data-0.arrow"}]}')
    return folder


def damaged_set(file: Path) -> str:
    return (
        f"a saved data set must be whole; got a damaged or empty '{file}'. "
        "Save it again with save_to_disk."
    )


def test_an_offset_that_leads_out_of_the_file_is_refused(saved: Path) -> None:
    """Arrow would follow it, and end the process or read what is no picture."""
    file, ends = saved / "data-0.arrow", np.cumsum([0, *map(len, PNGS)]).tolist()
    raw, offsets = file.read_bytes(), struct.pack("<5i", *ends)
    assert raw.count(offsets) == 1
    far = struct.pack("<5i", *ends[:3], 2**30, ends[4])
    file.write_bytes(raw.replace(offsets, far))
    assert refused(saved) == damaged_set(saved)


def test_an_offset_of_labels_that_leads_out_of_the_file_is_refused(saved: Path) -> None:
    file = saved / "data-0.arrow"
    raw, offsets = file.read_bytes(), struct.pack("<5i", 0, 1, 2, 3, 4)
    assert raw.count(offsets) == 1
    file.write_bytes(raw.replace(offsets, struct.pack("<5i", 0, 1, 2, 2**30, 4)))
    source = open_source(str(saved))
    with pytest.raises(SourceError) as caught:
        read_key("label", source)
    assert str(caught.value) == damaged_set(saved)


@pytest.mark.parametrize(
    "state", ["[" * 100_000, '{"_data_files": 1}', "{}", '{"_data_files": [{"filename": 7}]}']
)
def test_a_state_that_hugging_face_never_wrote_is_refused(saved: Path, state: str) -> None:
    (saved / "state.json").write_text(state)
    assert "a saved data set must be whole; got a damaged or empty" in refused(saved)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
def test_a_pipe_in_a_saved_data_set_is_not_waited_for(saved: Path) -> None:
    (saved / "data-0.arrow").unlink()
    os.mkfifo(saved / "data-0.arrow")
    assert refused(saved) == damaged_set(saved)


# HDF5


def test_a_damaged_chunk_costs_its_pictures_alone(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    images = np.random.default_rng(0).integers(0, 256, (4, 20, 20), np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=images, chunks=(2, 20, 20), compression="gzip")
        at = file["x"].id.get_chunk_info(0).byte_offset
    raw = bytearray((tmp_path / "a.h5").read_bytes())
    raw[at : at + 30] = bytes(30)
    (tmp_path / "a.h5").write_bytes(raw)
    source = open_source(str(tmp_path / "a.h5"))
    assert source.block(range(4)) is None
    inside = "unreadable: damaged inside the file"
    assert read_all(tmp_path / "a.h5") == [inside, inside, "read", "read"]


def test_values_that_an_hdf5_file_never_wrote_are_not_made_up(tmp_path: Path) -> None:
    """Some bytes of it would be terabytes of zeros."""
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", (3, 2**20, 2**20), np.uint8, chunks=(1, 1024, 1024))
    assert refused(tmp_path / "a.h5") == (
        f"'{tmp_path / 'a.h5'}' must be a whole HDF5 file; got 0 bytes of values where its header "
        "states 3,298,534,883,328. Write or download it again."
    )


@EVERY
def test_no_changed_byte_of_an_hdf5_file_is_our_fault(tmp_path: Path, every: int) -> None:
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x"] = np.zeros((4, 6, 6), np.uint8)
    refusals = 0
    for _ in each_byte_changed(tmp_path / "a.h5", every):
        try:
            read_all(tmp_path / "a.h5")
        except UserError:
            refusals += 1
    assert refusals > 3


# what is unpacked before it is looked at

LARGE = 2**28


def peak(read: Any) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(UserError):
            read()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_that_is_a_bomb_in_an_npz_is_not_unpacked(tmp_path: Path) -> None:
    head = np.lib.format.MAGIC_PREFIX + b"\2\0" + LARGE.to_bytes(4, "little")
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", head + b" " * LARGE)
    assert peak(lambda: npz_arrays(str(tmp_path / "a.npz"))) < 2**26


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_name_that_is_a_bomb_in_a_tar_is_not_unpacked(tmp_path: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, LARGE
    packer = zlib.compressobj(9, wbits=31)
    body = packer.compress(member.tobuf(tarfile.GNU_FORMAT))
    for _ in range(LARGE >> 20):
        body += packer.compress(bytes(2**20))
    (tmp_path / "a.tar.gz").write_bytes(body + packer.flush())
    assert peak(lambda: open_source(str(tmp_path / "a.tar.gz"))) < 2**26


def test_a_member_that_asks_for_all_memory_costs_itself(tmp_path: Path) -> None:
    """LZMA's header says how much memory unpacking takes: here 4 GB, which a system may refuse."""
    resource = pytest.importorskip("resource")
    filters = [{"id": lzma.FILTER_LZMA1, "dict_size": 2**16, "lc": 3, "lp": 0, "pb": 2}]
    body = lzma.compress(PNGS[0], lzma.FORMAT_RAW, filters=filters)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", b"\x09\x04\x05\x00\x5d" + b"\xff\xff\xff\xff" + body)
        file.writestr("b.png", PNGS[1])
    raw = bytearray((tmp_path / "a.zip").read_bytes())
    at = raw.index(b"PK\x01\x02")
    for start, method in ((0, 8), (at, 10)):
        raw[start + method : start + method + 2] = b"\x0e\x00"
    (tmp_path / "a.zip").write_bytes(raw)
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**31, before[1]))
    try:
        assert read_all(tmp_path / "a.zip") == ["unreadable: damaged inside the archive", "read"]
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
