from __future__ import annotations

import contextlib
import gzip
import io
import struct
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pictree.errors import InputError, SourceError, UserError
from pictree.images.idx import TYPES, read_idx
from pictree.images.numpy_files import open_npy
from pictree.images.scale import natural_range
from pictree.images.sources import open_source


def idx(values: np.ndarray, kind: int) -> bytes:
    head = bytes([0, 0, kind, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return head + values.astype(TYPES[kind]).tobytes()


def message(pictures) -> str:
    with pytest.raises(UserError) as caught:
        open_source(pictures)
    return str(caught.value)


class TestIdx:
    def test_digits(self, digits_idx, digits):
        source = open_source(digits_idx[0])
        assert len(source) == 10_000
        assert source.paths[3] == "t10k-images-idx3-ubyte.gz[3]"
        np.testing.assert_array_equal(source.block(range(5, 9)), digits[0][5:9])
        np.testing.assert_array_equal(source.read(9999), digits[0][9999])

    @pytest.mark.parametrize("kind", sorted(TYPES))
    @pytest.mark.parametrize("name", ["a.idx", "a.idx.gz", "a"])
    def test_every_type(self, tmp_path, kind, name):
        values = np.arange(24).reshape(2, 3, 4)
        raw = idx(values, kind)
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
        np.testing.assert_array_equal(open_source(tmp_path / name).block(range(2)), values)

    @pytest.mark.parametrize(
        ("raw", "got"),
        [
            (b"", "another kind of file"),
            (b"\0\0\x08", "another kind of file"),
            (b"\0\1\x08\3" + b"\0" * 12, "another kind of file"),
            (b"\0\0\x07\3" + b"\0" * 12, "another kind of file"),
            (b"\0\0\x08\x09" + b"\0" * 36, "9 dimensions"),
            (b"\0\0\x08\3\0\0\0\2", "a damaged or shortened file"),
            (idx(np.zeros((2, 3, 3)), 8)[:-1], "17 bytes of values where its header states 18"),
            (idx(np.zeros((2, 3, 3)), 8) + b"x", "19 bytes of values where its header states 18"),
        ],
    )
    def test_wrong(self, tmp_path, raw, got):
        path = tmp_path / "bad.idx"
        path.write_bytes(raw)
        assert message(path) == (
            f"'{path}' must be a whole IDX file; got {got}. "
            "Get the file again, or check that it is IDX."
        )

    def test_wrong_in_gzip(self, tmp_path):
        path = tmp_path / "bad.idx.gz"
        raw = idx(np.zeros((2, 3, 3)), 8)
        states = "bytes of values than the 18 that its header states"
        for body, got in (
            (gzip.compress(raw[:-1]), f"fewer {states}"),
            (gzip.compress(raw + b"x"), f"more {states}"),
            (gzip.compress(raw)[:-9], "a damaged or shortened file"),
        ):
            path.write_bytes(body)
            assert message(path).startswith(f"'{path}' must be a whole IDX file; got {got}.")

    def test_header_that_states_more_than_the_file_can_hold(self, tmp_path):
        path = tmp_path / "bomb.idx.gz"
        path.write_bytes(gzip.compress(bytes([0, 0, 8, 3]) + b"\xff" * 12))
        assert "got fewer bytes of values than the 79,228,162," in message(path)

    def test_labels_are_not_images(self, digits_idx):
        assert message(digits_idx[1]) == (
            f"an IDX file of images must have 3 or 4 dimensions; got 1 in '{digits_idx[1]}'. This "
            "looks like labels: name the images file, and give this one as known labels."
        )

    @settings(max_examples=200, deadline=None)
    @given(st.binary(max_size=60), st.booleans())
    def test_any_bytes_give_our_error_or_a_right_array(self, raw, header):
        if header:
            raw = b"\0\0" + raw
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.idx"
            path.write_bytes(raw)
            try:
                values = read_idx(str(path))
            except SourceError:
                return
            kind = next(k for k, name in TYPES.items() if np.dtype(name) == values.dtype)
            assert idx(np.asarray(values), kind) == raw

    @settings(max_examples=60, deadline=None)
    @given(
        hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5)),
        st.integers(0, 100),
        st.integers(0, 255),
    )
    def test_a_changed_byte_in_gzip(self, values, at, byte):
        raw = bytearray(gzip.compress(idx(values, 8), mtime=0))
        raw[at % len(raw)] = byte
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.idx.gz"
            path.write_bytes(raw)
            with contextlib.suppress(SourceError):
                np.testing.assert_array_equal(read_idx(str(path)), values)


class TestNpy:
    def test_is_memory_mapped(self, tmp_path):
        np.save(tmp_path / "a.npy", np.arange(12, dtype=np.uint8).reshape(3, 2, 2))
        source = open_source(tmp_path / "a.npy")
        assert isinstance(source.images, np.memmap)
        assert source.read(2).tolist() == [[8, 9], [10, 11]]
        assert source.paths[2] == "a.npy[2]"

    def test_objects_are_never_unpickled(self, tmp_path):
        np.save(tmp_path / "a.npy", np.array([[1], {}], dtype=object), allow_pickle=True)
        assert message(tmp_path / "a.npy") == (
            "a .npy file must be whole and hold plain numbers; got a damaged file, or Python "
            f"objects, in '{tmp_path}/a.npy'. Save it again with numpy.save or numpy.savez, "
            "without dtype=object."
        )

    @settings(max_examples=150, deadline=None)
    @given(st.integers(0, 200), st.integers(0, 255), st.integers(0, 220))
    def test_damage_gives_our_error_or_an_array(self, at, byte, end):
        values = np.arange(90, dtype=np.uint8).reshape(10, 3, 3)
        buffer = io.BytesIO()
        np.save(buffer, values)
        raw = bytearray(buffer.getvalue())
        raw[at] = byte
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "x.npy"
            path.write_bytes(raw[:end] if end < 200 else raw)
            try:
                source = open_npy(str(path))
            except UserError:
                return
            assert source.read(0).shape == source.images.shape[1:]


class TestNpz:
    def test_all_arrays_of_one_shape_are_taken(self, tmp_path):
        images = np.arange(45, dtype=np.uint8).reshape(5, 3, 3)
        np.savez(tmp_path / "d.npz", x_train=images[:3], y_train=[1, 2, 3], x_test=images[3:])
        source = open_source(tmp_path / "d.npz")
        assert source.paths[2:4] == ["d.npz:x_train[2]", "d.npz:x_test[0]"]
        np.testing.assert_array_equal(source.block(range(1, 5)), images[1:])

    def test_choice_of_key(self, tmp_path):
        np.savez(tmp_path / "d.npz", a=np.zeros((2, 3, 3)), b=np.ones((4, 5, 5)))
        assert open_source(f"{tmp_path}/d.npz:b").read(0).shape == (5, 5)

    def test_unclear_and_wrong_key(self, tmp_path):
        np.savez(tmp_path / "d.npz", a=np.zeros((2, 3, 3)), b=np.ones((4, 5, 5)))
        holds = "a (2, 3, 3) float64, b (4, 5, 5) float64. Name the array, as"
        path = f"{tmp_path}/d.npz"
        assert message(path) == (
            f"'{path}' must hold the array of images; got several or none that could be: "
            f"{holds} {path}:KEY."
        )
        assert message(f"{path}:c") == (
            f"'{path}' must hold the array of images; got no 'c'; it holds {holds} {path}:KEY."
        )

    def test_objects_and_damage(self, tmp_path):
        path = tmp_path / "d.npz"
        np.savez(path, a=np.array([[[{}]]], dtype=object), allow_pickle=True)
        assert "it holds a (1, 1, 1) object" in message(f"{path}:b")
        assert "or Python objects" in message(f"{path}:a")
        path.write_bytes(path.read_bytes()[:50])
        assert "got a damaged file" in message(path)


class TestInMemory:
    def test_list_of_equal_arrays(self):
        source = open_source([np.zeros((3, 3)), np.eye(3)])
        assert len(source) == 2
        assert source.value_range == (0, 1)

    @pytest.mark.parametrize(
        ("given_", "text"),
        [
            (
                np.zeros(5),
                "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
                "(5,) in array. If these are labels, pass them as known labels.",
            ),
            (
                np.zeros((5, 784)),
                "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
                "(5, 784) in array. Reshape flat rows to (n, h, w); for a single image pass "
                "image[None].",
            ),
            (
                np.zeros((5, 3, 8, 8)),
                "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
                "(5, 3, 8, 8) in array. Move the channels last, with "
                "images.transpose(0, 2, 3, 1).",
            ),
            (
                np.zeros((0, 8, 8)),
                "images must be an array (n, h, w) or (n, h, w, c) with c 1, 3 or 4; got shape "
                "(0, 8, 8) in array. Pass at least one image of at least one pixel.",
            ),
            (
                np.zeros((1, 2, 2), "U3"),
                "images must be numbers (bool, integer or float); got <U3 in array. Convert the "
                "array, for example with .astype('float32').",
            ),
            (
                [np.zeros((3, 3)), np.zeros((3, 4))],
                "the images of a list must be equally large; got (3, 3) at 0 and (3, 4) at 1. "
                "Resize them, or save them as files, which may differ in size.",
            ),
            (
                [np.zeros(3)],
                "each image of a list must be a 2-D array; got shape (3,) at 0. Pass one array "
                "(n, h, w) or (n, h, w, c), such as np.stack(images).",
            ),
        ],
    )
    def test_wrong_shapes(self, given_, text):
        assert message(given_) == text

    def test_two_arrays_have_names_and_one_range(self):
        source = open_source([np.full((2, 3, 3), -2.0), np.full((1, 3, 3), 6.0)])
        assert list(source.paths) == ["array-1[0]", "array-1[1]", "array-2[0]"]
        assert source.value_range == (-2, 6)

    def test_types_can_not_be_mixed(self):
        with pytest.raises(SourceError) as caught:
            open_source([np.zeros((1, 3, 3)), np.zeros((1, 3, 3), np.uint8)])
        assert str(caught.value) == (
            "arrays given together must have one pixel type; got float64 and uint8. "
            "Convert them to one type."
        )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([True]), (0, 1)),
        (np.array([3], np.uint8), (0, 255)),
        (np.array([3], np.uint16), (0, 65535)),
        (np.array([3, 200], np.int64), (0, 255)),
        (np.array([-3, 200], np.int64), (-3, 200)),
        (np.array([3, 300], np.int64), (3, 300)),
        (np.array([0.2, 0.9]), (0, 1)),
        (np.array([0.2, 1.1]), (0.2, 1.1)),
        (np.array([np.nan, 5.0, np.inf, 7.0]), (5, 7)),
        (np.array([np.nan]), (0, 1)),
    ],
)
def test_natural_range(values, expected):
    assert natural_range(values[:, None, None]) == expected


def test_input_errors_are_users_errors():
    assert issubclass(InputError, UserError)
