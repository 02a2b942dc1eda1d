"""IDX, .npy and .npz from anybody: our error or the right array, in little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import tempfile
import tracemalloc
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pictree.errors import UserError
from pictree.images.archives import open_zip
from pictree.images.idx import TYPES, read_idx
from pictree.images.numpy_files import npz_arrays, open_npy, read_npz
from pictree.images.outcome import Unusable
from pictree.pipeline.codes import open_codes

ALLOWED = 64 * 2**20
SIZES = st.sampled_from([0, 1, 2, 3, 5, 255, 70_000, 2**31, 2**32 - 1])
VALUES = st.one_of(st.binary(max_size=80), st.integers(0, 3 * 2**20).map(bytes))
BYTES = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 255)), min_size=1, max_size=3)
DAMAGE = st.sampled_from([True, False, False]).flatmap(lambda hit: BYTES if hit else st.just([]))
END = st.sampled_from([True, False, False]).flatmap(
    lambda cut: st.integers(0, 300) if cut else st.none()
)


def parse(raw: bytes, name: str, read: Callable[[str], object]) -> object:
    """Return what a file is read as, None where it is refused; check the memory it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(raw)
        tracemalloc.start()
        try:
            with contextlib.suppress(UserError), warnings.catch_warnings():
                warnings.simplefilter("error")
                return kept(read(str(path)))
            return None
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            assert peak <= 2 * len(raw) + ALLOWED


def kept(found: object) -> object:
    """Return a copy of an array: its file goes away."""
    return found.copy() if isinstance(found, np.ndarray) else found


def damaged(raw: bytes, damage: list[tuple[int, int]], end: int | None) -> bytes:
    changed = bytearray(raw)
    for at, byte in damage:
        if at < len(changed):
            changed[at] = byte
    return bytes(changed[:end])


# IDX

HEADERS = st.tuples(st.sampled_from([*TYPES, 0, 7, 255]), st.lists(SIZES, max_size=5))


def check_idx(
    header: tuple[int, list[int]],
    values: bytes,
    is_whole: bool,
    is_gzip: bool,
    damage: list,
    end: int | None,
) -> None:
    kind, shape = header
    if is_whole and kind in TYPES:
        values = values[:80].ljust(80, b"\1")
        shape = [80 // np.dtype(TYPES[kind]).itemsize // 2, 2, 1][: max(1, len(shape))]
        values = values[: int(np.prod(shape)) * np.dtype(TYPES[kind]).itemsize]
    raw = bytes([0, 0, kind, len(shape)]) + struct.pack(f">{len(shape)}I", *shape) + values
    raw = gzip.compress(raw, mtime=0) if is_gzip else raw
    raw = damaged(raw, damage, end)
    found = parse(raw, "x", read_idx)
    if found is None:
        return
    plain = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    sizes = struct.unpack(f">{plain[3]}I", plain[4 : 4 + 4 * plain[3]])
    expected = np.frombuffer(plain, TYPES[plain[2]], offset=4 + 4 * plain[3]).reshape(sizes)
    assert found.dtype == expected.dtype
    assert found.tobytes() == expected.tobytes()
    assert found.shape == expected.shape


IDX = given(HEADERS, VALUES, st.booleans(), st.booleans(), DAMAGE, END)

# .npy

DESCRIPTIONS = st.one_of(
    st.sampled_from(["|u1", "<f4", ">i2", "|b1", "|O", "<U9", "|V3", "<M8[s]", "<c8", "x", ""]),
    st.text(max_size=5),
)
SHAPES = st.one_of(
    st.lists(SIZES, max_size=4).map(tuple),
    st.sampled_from([(-1, 2), (2.5,), ("a",), 7, None, (True, 3), (2, 3, 3)]),
)


def npy(description: str, shape: object, values: bytes, extra: str) -> bytes:
    text = f"{{'descr': {description!r}, 'fortran_order': False, 'shape': {shape!r}, {extra}}}"
    head = text.encode("utf-8", "replace")
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head) + 1) + head + b"\n" + values


def saved(shape: tuple[int, ...], kind: str, seed: int) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.random.default_rng(seed).integers(0, 2, shape).astype(kind))
    return buffer.getvalue()


WHOLE = st.builds(
    saved,
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
    st.sampled_from(["u1", ">i2", "<f4", "?", "f8"]),
    st.integers(0, 9),
)
FILES = WHOLE | st.builds(
    npy, DESCRIPTIONS, SHAPES, VALUES, st.sampled_from(["", "", "", "1: 2", "'x': (", "__"])
)


def check_npy(raw: bytes, damage: list, end: int | None) -> None:
    raw = damaged(raw, damage, end)
    source = parse(raw, "x.npy", lambda path: open_npy(path).images)
    if source is not None:
        expected = np.lib.format.read_array(io.BytesIO(raw), allow_pickle=False)
        np.testing.assert_array_equal(source, expected)
        assert source.dtype == expected.dtype


NPY = given(FILES, DAMAGE, END)

# .npz


def check_npz(
    raw: bytes, name: str, is_packed: bool, stated: int | None, damage: list, end: int | None
) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", 8 if is_packed else 0) as file:
        file.writestr(f"{name}.npy", raw)
    data = bytearray(buffer.getvalue())
    if stated is not None:  # the sizes in the directory lie
        at = data.rindex(b"PK\x01\x02")
        data[at + 24 : at + 28] = struct.pack("<I", stated)
    data = damaged(bytes(data), damage, end)
    found = parse(data, "x.npz", first_array)
    if found is not None:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            np.testing.assert_array_equal(found, next(iter(file.values())))


def first_array(path: str) -> object:
    return next((read_npz(path, key) for key in npz_arrays(path)), None)


NPZ = given(
    FILES,
    st.sampled_from(["a", "images", "../a", "ü"]),
    st.booleans(),
    st.sampled_from([None, None, None, 0, 100, 2**31, 2**32 - 1]),
    DAMAGE,
    END,
)

EVERY = [(IDX, check_idx), (NPY, check_npy), (NPZ, check_npz)]
NAMES = ["idx", "npy", "npz"]


def examples(n: int) -> settings:
    return settings(max_examples=n, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.mark.parametrize(("draw", "check"), EVERY, ids=NAMES)
def test_anything_is_our_error_or_the_right_array(draw, check) -> None:
    examples(500)(draw(check))()


@pytest.mark.slow
@pytest.mark.parametrize(("draw", "check"), EVERY, ids=NAMES)
def test_ten_thousand_are_our_error_or_the_right_array(draw, check) -> None:
    examples(10_000)(draw(check))()


# bombs: small files that unpack to 200 MiB, and say something else

MANY = 200 * 2**20


def test_a_gzipped_idx_that_holds_less_than_it_states() -> None:
    head = bytes([0, 0, 8, 3]) + struct.pack(">3I", MANY + 1, 1, 1)
    raw = gzip.compress(head + bytes(MANY), 1)
    assert parse(raw, "x.gz", read_idx) is None


def test_an_npy_that_states_a_header_longer_than_itself() -> None:
    """Found by 10,000 examples: numpy took 662 MB for twelve bytes."""
    raw = b"\x93NUMPY\x02\x00v\x00{'"
    assert parse(raw, "x.npy", lambda path: open_npy(path).images) is None
    assert parse(raw, "x.npy", codes_of) is None
    whole = io.BytesIO()
    np.lib.format.write_array(whole, np.ones((3, 2, 2), np.uint8), version=(2, 0))
    assert parse(whole.getvalue(), "x.npy", lambda path: open_npy(path).images) is not None


def codes_of(path: str) -> np.ndarray:
    return open_codes(path).table


def test_an_npz_that_holds_less_than_it_states() -> None:
    raw = npy("|u1", (MANY + 7, 1, 1), bytes(MANY), "")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("a.npy", raw)
    assert parse(buffer.getvalue(), "x.npz", first_array) is None


def test_a_zip_member_that_holds_more_than_it_states() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        file.writestr("a.png", bytes(MANY))
    data = bytearray(buffer.getvalue())
    for at in (data.index(b"PK\x03\x04") + 22, data.rindex(b"PK\x01\x02") + 24):
        assert struct.unpack("<I", data[at : at + 4])[0] == MANY
        data[at : at + 4] = struct.pack("<I", 1000)

    def read(path: str) -> str:
        try:
            return str(len(open_zip(path).read(0)))
        except Unusable as problem:
            return problem.reason

    assert parse(bytes(data), "x.zip", read) == "damaged inside the archive"
    assert zlib.crc32(bytes(1000)) != zlib.crc32(bytes(MANY))
