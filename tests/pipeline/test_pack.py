"""Packed files are opened as they were: the same ids, names, bytes and faults."""

from __future__ import annotations

import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pictree.errors import InputError, SourceError
from pictree.images.outcome import Unusable
from pictree.images.sources import open_source
from pictree.pipeline import pack as packing
from pictree.pipeline.fit import fit
from pictree.pipeline.pack import pack, pack_text
from tests.engine.one_fit import untimed
from tests.pipeline.conftest import command_json, small_recipe


@pytest.fixture(scope="module")
def loose(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """120 digits in folders of their kinds, one twice, and what else lies in such folders."""
    folder = tmp_path_factory.mktemp("loose") / "digits"
    for i in range(120):
        file = folder / str(digits[1][i]) / f"{i:03}.v2.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(digits[0][i]).save(file)
    shutil.copy(folder / str(digits[1][7]) / "007.v2.png", folder / "again.PNG")
    (folder / "empty.jpg").touch()
    (folder / "notes").write_text("hello")
    (folder / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n123")
    (folder / os.fsdecode(b"caf\xe9.png")).write_bytes((folder / "again.PNG").read_bytes())
    os.mkfifo(folder / "pipe.png")
    return folder


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of some 40 digits."""
    monkeypatch.setattr(packing, "_SHARD_BYTES", 10_000)


def told(source: Any) -> list[Any]:
    """Everything that a source says of its items."""
    raws = [source.try_to_read(i) for i in range(len(source))]
    plain = [(raw.outcome, raw.reason) if isinstance(raw, Unusable) else raw for raw in raws]
    return list(zip(source.paths, plain, strict=True))


@pytest.mark.usefixtures("small_shards")
def test_a_pack_is_opened_as_the_loose_files(loose: Path, tmp_path: Path) -> None:
    found = pack(loose, tmp_path / "packed")
    assert told(open_source(tmp_path / "packed")) == told(open_source(loose))
    assert (found["files"], found["problems"]) == (126, {"not an image": 1})
    tars = sorted((tmp_path / "packed").glob("*.tar"))
    assert len(tars) == found["shards"] > 2
    assert sum(tar.stat().st_size for tar in tars) == found["bytes"]
    assert pack_text(found | {"seconds": 1.0, "bytes": 12e6, "shards": 4, "output": "p"}) == (
        "126 files (1 not an image: kept in the index, with the reason) in 4 tar files, 12.0 MB, "
        "1.0 s\nuse it in place of the pictures: pictree fit p"
    )


@pytest.mark.usefixtures("small_shards")
def test_the_tar_files_are_webdatasets(loose: Path, tmp_path: Path) -> None:
    pack(loose, tmp_path / "packed")
    source, members = open_source(loose), []
    for file in sorted((tmp_path / "packed").glob("*.tar")):
        with tarfile.open(file) as tar:
            members += [(m.name, tar.extractfile(m).read()) for m in tar]  # type: ignore[union-attr]
    kept = [i for i in range(len(source)) if isinstance(source.try_to_read(i), bytes)]
    names = {".PNG": ".png", ".png": ".png", ".jpg": ".jpg", "": ".bin"}
    assert members == [
        (f"{i:09d}{names[Path(source.paths[i]).suffix]}", source.read(i)) for i in kept
    ]


@pytest.mark.slow
def test_a_fit_on_a_pack_is_that_on_the_loose_files(loose: Path, tmp_path: Path) -> None:
    pack(loose, tmp_path / "packed")
    for name, pictures in (("a", loose), ("b", tmp_path / "packed")):
        fit(str(pictures), tmp_path / name, recipe=small_recipe(), known_labels="folders")
    assert untimed(tmp_path / "a") == untimed(tmp_path / "b")


@pytest.mark.usefixtures("small_shards")
def test_a_pack_goes_on_where_it_stopped(
    loose: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, whole = tmp_path / "packed", tmp_path / "whole"
    pack(loose, whole)
    with monkeypatch.context() as patch:
        patch.setattr(packing, "index_of", _full_at_the_third)
        with pytest.raises(InputError, match="full"):
            pack(loose, out)
    with pytest.raises(SourceError) as error:
        open_source(out)
    assert str(error.value) == (
        f"a pack must be finished; got '{out}', which `pictree pack` has begun. Run the same "
        "`pictree pack` command again."
    )
    first = (out / "pack-00000.tar").stat().st_mtime_ns
    pack(loose, out)
    assert (out / "pack-00000.tar").stat().st_mtime_ns == first
    assert bytes_of(out) == bytes_of(whole)
    (out / "index-00001.parquet").unlink()
    with pytest.raises(SourceError) as error:
        open_source(out)
    assert str(error.value) == (
        f"a pack must have all that `pictree pack` wrote; got '{out}', of which an index is gone "
        "or damaged. Pack the pictures again, into another folder."
    )


def _full_at_the_third(out: Path, shard: int) -> Path:
    if shard == 2 and (out / "pack-00002.tar").exists():
        raise InputError("room must be left", got="full", do="Make some")
    return out / f"index-{shard:05d}.parquet"


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_what_is_cut_off_is_an_outcome(loose: Path, tmp_path: Path) -> None:
    pack(loose, tmp_path / "packed")
    source = open_source(tmp_path / "packed")
    os.truncate(tmp_path / "packed" / "pack-00000.tar", 2_000)
    assert source.try_to_read(0) == open_source(loose).read(0)
    with pytest.raises(Unusable, match=r"^unreadable: the archive is cut short$"):
        source.read(100)
    (tmp_path / "packed" / "pack-00000.tar").unlink()
    with pytest.raises(Unusable, match=r"^unreadable: No such file or directory$"):
        source.read(0)


def test_other_outputs_and_arrays_are_refused(loose: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    taken.mkdir()
    (taken / "mine.txt").write_text("mine")
    arrays = tmp_path / "digits.npy"
    np.save(arrays, np.zeros((5, 8, 8), np.uint8))
    for pictures, out, message in (
        (
            loose,
            taken,
            "the output must be a new folder, or one that the same command has begun; got "
            f"{taken}, which holds other things. Choose another name.",
        ),
        (
            loose,
            loose / "packed",
            f"the output must not be in the folder of the pictures; got {loose}/packed. Choose "
            "another folder.",
        ),
        (
            arrays,
            tmp_path / "new",
            "only files of pictures are packed; got digits.npy[0], which is an array in a file of "
            "many. Use that file as it is.",
        ),
    ):
        with pytest.raises((InputError, SourceError)) as error:
            pack(pictures, out)
        assert str(error.value) == message
    assert [file.name for file in taken.iterdir()] == ["mine.txt"]
    assert not (loose / "packed").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("small_shards")
def test_worker_processes_write_the_same_bytes(loose: Path, tmp_path: Path) -> None:
    pack(str(loose), tmp_path / "local")
    pack(str(loose), tmp_path / "processes", engine="processes")
    assert bytes_of(tmp_path / "processes") == bytes_of(tmp_path / "local")


def test_the_command_packs_and_scans(loose: Path, tmp_path: Path) -> None:
    found = command_json("pack", loose, "-o", tmp_path / "packed")
    assert (found["files"], found["shards"]) == (126, 1)
    seen, before = (command_json("scan", path) for path in (tmp_path / "packed", loose))
    for key in ("files", "used", "duplicates", "problems", "examples"):
        assert seen[key] == before[key]
