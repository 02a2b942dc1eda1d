"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pytest

from pictree.errors import RunError
from pictree.files import new_folder, sha256_of, write_atomic, write_bytes, write_json


def test_the_old_file_stays_when_writing_fails(tmp_path: Path) -> None:
    file = tmp_path / "a"
    write_bytes(file, b"old")

    def half(stream: BinaryIO) -> None:
        stream.write(b"new, but on")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomic(file, half)
    assert file.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_a_full_disk_is_one_sentence(tmp_path: Path) -> None:
    def full(stream: BinaryIO) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError) as caught:
        write_atomic(tmp_path / "a", full)
    assert str(caught.value) == (
        f"Writing {tmp_path / 'a'} needs free disk space; got 'No space left on device'. "
        "Free some space and run the same command again (`pictree fit`: with --resume)."
    )
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o002])
def test_others_may_read_a_run_as_far_as_the_umask_lets_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    before = os.umask(mask)
    try:
        with monkeypatch.context() as patch:  # to ask for it is to change it, for all threads
            patch.delattr(os, "umask")
            write_bytes(tmp_path / "a", b"")
            with new_folder(tmp_path / "b") as folder:
                write_bytes(folder / "c", b"")
    finally:
        os.umask(before)
    modes = [(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "b", "b/c")]
    assert modes == [0o666 & ~mask, 0o777 & ~mask, 0o666 & ~mask]


def test_json_refuses_nan(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        write_json(tmp_path / "a.json", {"x": float("nan")})


def test_sha256_by_hand(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"abc")
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(tmp_path / "a") == expected


@pytest.mark.skipif(os.name == "nt", reason="needs limits of a process")
def test_an_array_that_is_cut_short_tells_why(tmp_path: Path) -> None:
    """numpy alone would say how many values were written."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(RunError) as caught:
            write_atomic(tmp_path / "a.npy", lambda to: np.save(to, np.zeros(200_000)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert str(caught.value) == (
        f"{tmp_path / 'a.npy'} must be writable; got 'File too large'. "
        "Choose another folder with -o, or mend its permissions."
    )
    assert list(tmp_path.iterdir()) == []
