"""Sources at addresses, by fsspec's own ``memory://``: the same items as a copy on disk."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from PIL import Image

from pictree.errors import MissingExtraError, SourceError
from pictree.images.addresses import Place, common_address, is_address
from pictree.images.composite import CompositeSource
from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.known_labels import read_known_labels
from pictree.images.outcome import Unusable
from pictree.images.reopen import Originals
from pictree.images.sources import open_source
from pictree.pipeline.scan import scan

FORMAT = ImageFormat(28, 28, 1, "")


@pytest.fixture
def bucket() -> Iterator[MemoryFileSystem]:
    """fsspec's files in memory, empty."""
    files = MemoryFileSystem()
    yield files
    files.store.clear()
    files.pseudo_dirs[:] = [""]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Forty digits in folders by kind, and what else lies in a folder."""
    top = tmp_path_factory.mktemp("pile")
    for i in range(40):
        file = top / str(digits[1][i]) / f"ü {i:03}#%20.png"
        file.parent.mkdir(exist_ok=True)
        Image.fromarray(digits[0][i]).save(file)
    (top / "a-copy.png").write_bytes(file.read_bytes())
    (top / "broken.png").write_bytes(file.read_bytes()[:60])
    (top / "empty.png").write_bytes(b"")
    (top / "notes.md").write_text("what these are")
    (top / ".hidden.png").write_bytes(file.read_bytes())
    (top / "__MACOSX").mkdir()
    (top / "__MACOSX" / "x.png").write_bytes(b"x")
    return top


def put(files: MemoryFileSystem, folder: Path, where: str = "/bucket/pile") -> None:
    for file in folder.rglob("*"):
        if file.is_file():
            files.pipe_file(f"{where}/{file.relative_to(folder)}", file.read_bytes())


def stock(source: Any) -> tuple[pl.DataFrame, np.ndarray]:
    return take_stock(source, range(len(source)), FORMAT, first_id=0, seen={})


def assert_same(one: Any, other: Any) -> None:
    (table, pixels), (its_table, its_pixels) = stock(one), stock(other)
    assert table.equals(its_table)
    np.testing.assert_array_equal(pixels, its_pixels)


def test_a_folder_has_the_items_of_its_copy_on_disk(bucket: MemoryFileSystem, folder: Path) -> None:
    put(bucket, folder)
    there, here = open_source("memory://bucket/pile/"), open_source(folder)
    assert (there.kind, there.name, there.root) == ("objects", "pile", "memory://bucket/pile")
    assert list(there.paths) == list(here.paths)
    assert_same(there, here)
    assert read_known_labels("folders", there) == read_known_labels("folders", here)


def test_scan_says_the_same_and_nothing_is_written(bucket: MemoryFileSystem, folder: Path) -> None:
    put(bucket, folder)
    before = {name: file.getvalue() for name, file in bucket.store.items()}
    there, here = scan("memory://bucket/pile"), scan(folder)
    assert (there["used"], there["duplicates"], sum(there["problems"].values())) == (40, 1, 3)
    del there["seconds"], here["seconds"]
    assert there == here
    assert {name: file.getvalue() for name, file in bucket.store.items()} == before


def test_what_is_gone_when_it_is_read_is_an_outcome(bucket: MemoryFileSystem, folder: Path) -> None:
    put(bucket, folder)
    source = open_source("memory://bucket/pile")
    gone = source.paths[7]
    bucket.rm(f"/bucket/pile/{gone}")
    table = stock(source)[0]
    row = table.filter(pl.col("path") == gone).row(0, named=True)
    assert (row["outcome"], row["reason"]) == ("unreadable", "the file is gone")
    assert table["outcome"].value_counts().sort("outcome").rows() == [
        ("duplicate", 1), ("empty", 1), ("not an image", 1), ("unreadable", 2), ("used", 39),
    ]  # fmt: skip


def test_a_name_that_leads_outside_is_refused(bucket: MemoryFileSystem) -> None:
    for name in ("a.png", "../b.png", "x/../c.png"):
        bucket.store[f"/bucket/pile/{name}"] = bucket.open("/x", "wb")
    source = open_source("memory://bucket/pile")
    assert list(source.paths) == ["../b.png", "a.png", "x/../c.png"]
    for i in (0, 2):
        with pytest.raises(Unusable, match="refused: a name that leads outside the folder"):
            source.read(i)


@pytest.fixture
def shards(tmp_path: Path, digits: tuple) -> Path:
    """The same thirty digits in every kind of file that holds many."""
    images = digits[0][:30]
    np.save(tmp_path / "x.npy", images)
    np.savez(tmp_path / "two.npz", x=images, y=images[::-1], known=digits[1][:30])
    pngs = [png(image) for image in images]
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as file:
        for i, raw in enumerate(pngs):
            file.writestr(f"a/{i:02}.png", raw)
    for mode, name in (("w", "x.tar"), ("w:gz", "x.tar.gz")):
        with tarfile.open(tmp_path / name, mode) as tar:
            for i, raw in enumerate(pngs):
                for suffix, content in (("png", raw), ("cls", str(digits[1][i]).encode())):
                    member = tarfile.TarInfo(f"{i:02}.{suffix}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    pl.DataFrame({"image": pngs, "label": digits[1][:30]}).write_parquet(tmp_path / "x.parquet")
    pages = [Image.fromarray(image) for image in images]
    pages[0].save(tmp_path / "x.tif", save_all=True, append_images=pages[1:])
    return tmp_path


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "known"),
    [("x.npy", None), ("two.npz:x", "known"), ("two.npz", None), ("x.zip", "folders"),
     ("x.tar", "cls"), ("x.tar.gz", "cls"), ("x.parquet", "label"), ("x.parquet:image", "label"),
     ("x.tif", None)],
)  # fmt: skip
def test_files_of_many_are_read_as_their_copies_on_disk(
    name: str, known: str | None, shards: Path, bucket: MemoryFileSystem
) -> None:
    put(bucket, shards)
    there, here = open_source(f"memory://bucket/pile/{name}"), open_source(shards / name)
    assert_same(there, here)
    assert read_known_labels(known, there) == read_known_labels(known, here)
    parts = getattr(there, "parts", [there])
    assert {part.root for part in parts} == {f"memory://bucket/pile/{name.split(':')[0]}"}


def test_the_copy_is_removed_with_its_source(shards: Path, bucket: MemoryFileSystem) -> None:
    put(bucket, shards)
    source = open_source("memory://bucket/pile/x.tar")
    copy = Path(source.copy.path)
    assert copy.is_file()
    del source
    assert not copy.parent.exists()


def test_several_are_taken_in_order(bucket: MemoryFileSystem, folder: Path, shards: Path) -> None:
    put(bucket, folder)
    put(bucket, shards, "/bucket/shards")
    names = ["a-copy.png", "broken.png"]
    there = [f"memory://bucket/pile/{name}" for name in names] + ["memory://bucket/shards/x.zip"]
    source = open_source([*there, str(shards / "x.npy")])
    assert isinstance(source, CompositeSource)
    assert [part.kind for part in source.parts] == ["objects", "zip", "npy"]
    assert list(source.paths[:3]) == [*there[:2], f"{there[2]}/a/00.png"]
    table, pixels = stock(source)
    assert table["outcome"][:2].to_list() == ["used", "unreadable"]
    assert len(pixels) == 61  # the array's images have other digests than the PNG files
    names = open_source(there).paths[:3]
    assert list(names) == [
        "pile/a-copy.png",
        "pile/broken.png",
        "shards/x.zip/a/00.png",
    ]


def test_a_pattern_and_a_list(bucket: MemoryFileSystem, folder: Path, tmp_path: Path) -> None:
    put(bucket, folder)
    source = open_source("memory://bucket/pile/*.png")
    assert (source.kind, list(source.paths)) == (
        "objects",
        ["a-copy.png", "broken.png", "empty.png"],
    )
    bucket.pipe_file("/bucket/pile/list.txt", b"a-copy.png\n\nempty.png\n")
    source = open_source("memory://bucket/pile/list.txt")
    assert list(source.paths) == ["a-copy.png", "empty.png"]
    listed = tmp_path / "list.txt"
    listed.write_text("memory://bucket/pile/a-copy.png\n")
    assert open_source(listed).read(0) == (folder / "a-copy.png").read_bytes()


def test_originals_are_found_again(bucket: MemoryFileSystem, folder: Path, shards: Path) -> None:
    """As an export does: by what run.json says of the sources, and the inventory's paths."""
    put(bucket, folder)
    put(bucket, shards, "/bucket/shards")
    addresses = ["memory://bucket/pile", "memory://bucket/shards/x.zip"]
    for given in (addresses[0], addresses[1], addresses, [*addresses, str(folder)]):
        source = open_source(given)
        parts = [part.describe() for part in getattr(source, "parts", [source])]
        originals = Originals(json.loads(json.dumps(parts)))
        for item in (0, len(source) - 1):
            assert originals.read(item, source.paths[item]) == source.read(item)
    bucket.rm("/bucket/pile/a-copy.png")
    with pytest.raises(Unusable, match="unreadable: the file is gone"):
        Originals([open_source(addresses[0]).describe()]).read(0, "a-copy.png")


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("memory://bucket/nothing", "the pictures must exist; got 'memory://bucket/nothing'. "
         "Check the path."),
        ("memory://", "the pictures must exist; got 'memory://'. Check the path."),
        ("memory://bucket/pile/*.jpg", "the pictures must exist; got "
         "'memory://bucket/pile/*.jpg'. Check the path."),
        ("memory://bucket/dots", "a folder of pictures must hold at least one file; got none in "
         "'memory://bucket/dots'. Check the path; hidden files don't count."),
        ("memory://bucket/arrays", "a folder of pictures must hold picture files; got array files "
         "or archives in 'memory://bucket/arrays': 'x.npy'. Name one or more of those files, such "
         "as 'memory://bucket/arrays/x.npy'."),
        ("memory://bucket/bad.zip", "'memory://bucket/bad.zip' must be a whole zip file; got a "
         "damaged file. Pack it again, or name the unpacked folder."),
        ("nobody://bucket/x", "'nobody://bucket/x' must be readable from this machine; got "
         "'Protocol not known: nobody'. Check the address, the network, and the credentials as "
         "the service's own tools have them."),
        ("ftp://me:secret@host/x", "an address must not hold a password, which the run would keep; "
         "got 'ftp://…@host/x'. Set it as the service's own tools have it."),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(address: str, said: str, bucket: MemoryFileSystem) -> None:
    bucket.pipe_file("/bucket/dots/.x.png", b"x")
    bucket.pipe_file("/bucket/arrays/x.npy", b"x")
    bucket.pipe_file("/bucket/bad.zip", b"PK")
    bucket.pipe_file("/bucket/pile/x.png", b"x")
    with pytest.raises(SourceError) as caught:
        open_source(address)
    assert str(caught.value) == said


def test_a_copy_needs_room(tmp_path: Path) -> None:
    file = tmp_path / "x.zip"
    with file.open("wb") as empty:
        empty.truncate(2**43)  # eight terabytes of nothing
    with pytest.raises(SourceError) as caught:
        Place(f"file://{file}").fetch()
    assert re.fullmatch(
        r"there must be room in \S+ for a copy of 'file://\S+/x.zip'; got 8,796,093,022,208 bytes, "
        r"and [\d,]+ free. Make room, or set TMPDIR to a folder that has it\.",
        str(caught.value),
    )


def test_without_the_extra_one_sentence(tmp_path: Path) -> None:
    """In a process that has neither fsspec nor s3fs."""
    for absent, address, said in (
        ("fsspec.core", "s3://bucket/x", "s3:// needs the package fsspec in working order; got "
         "ModuleNotFoundError: import of fsspec.core halted; None in sys.modules. Run pip install "
         "'pictree[cloud]'."),
        ("s3fs", "s3://bucket/x", "s3:// needs the package that fsspec opens it with; got Install "
         "s3fs to access S3. Run pip install 'pictree[cloud]'."),
        ("gcsfs", "gs://bucket/x", "gs:// needs the package that fsspec opens it with; got Please "
         "install gcsfs to access Google Storage. Run pip install 'pictree[gcs]'."),
    ):  # fmt: skip
        program = (
            f"import sys; sys.modules[{absent!r}] = None; from pictree.cli import main; main()"
        )
        words = [sys.executable, "-c", program, "scan", address]
        done = subprocess.run(words, capture_output=True, text=True)
        assert done.returncode == 2
        assert " ".join(done.stderr.split()).endswith(said), done.stderr


def test_the_extra_is_named_by_the_error_type() -> None:
    with pytest.raises(MissingExtraError):  # its package is in none of our extras
        Place("abfs://bucket/x")


@pytest.mark.parametrize(
    ("folders", "common"),
    [
        (["s3://b/x/y", "s3://b/x/z"], "s3://b/x"),
        (["s3://b/xy", "s3://b/xz"], "s3://b"),
        (["s3://b", "s3://c"], ""),
        (["s3://b/x", "gs://b/x"], ""),
        (["s3://b/x"], "s3://b/x"),
    ],
)
def test_what_addresses_have_in_common(folders: list[str], common: str) -> None:
    assert common_address(folders) == common


def test_what_is_an_address() -> None:
    assert is_address("s3://bucket/x")
    assert is_address("memory://x")
    assert not is_address("C:\\x")
    assert not is_address("c://x")
    assert not is_address("/x/s3://y")
    assert not is_address("photos/x.npz:x")
