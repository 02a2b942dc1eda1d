from __future__ import annotations

import gzip
import os
import socket
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.errors import InputError, SourceError
from pictree.images.decode import Unusable
from pictree.images.known_labels import labels_beside
from pictree.images.sources import CompositeSource, open_source
from pictree.locks import hold


def picture(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (3, 3), value).save(path, "PNG")
    return path


def outcome_of(source, i: int) -> tuple[str, str]:
    with pytest.raises(Unusable) as caught:
        source.read(i)
    return caught.value.outcome, caught.value.reason


def message(pictures) -> str:
    with pytest.raises((SourceError, InputError)) as caught:
        open_source(pictures)
    return str(caught.value)


class TestFolder:
    def test_recursive_sorted_by_bytes_without_hidden(self, tmp_path):
        for name in ("b.png", "B.png", "a/z.png", "a.png", "é.png", ".git/x.png", "a/.h.png"):
            picture(tmp_path / name)
        picture(tmp_path / "__MACOSX" / "b.png")
        source = open_source(tmp_path)
        assert list(source.paths) == ["B.png", "a.png", "a/z.png", "b.png", "é.png"]
        assert source.describe() == {
            "kind": "folder",
            "name": tmp_path.name,
            "root": str(tmp_path),
            "items": 5,
        }

    def test_every_file_is_an_item(self, tmp_path):
        picture(tmp_path / "a.png")
        (tmp_path / "notes.txt").write_text("hello")
        assert list(open_source(tmp_path).paths) == ["a.png", "notes.txt"]

    def test_odd_names_survive(self, tmp_path):
        for name in ("new\nline.png", "quo'\"te.png", "<script>.png", "back\\slash.png"):
            picture(tmp_path / name, 7)
        raw_name = os.fsencode(tmp_path) + b"/caf\xe9.png"
        Path(os.fsdecode(raw_name)).write_bytes(b"the true file")
        source = open_source(tmp_path)
        assert list(source.paths) == [
            "<script>.png",
            "back\\slash.png",
            "caf\\xe9.png",
            "new\nline.png",
            "quo'\"te.png",
        ]
        assert source.read(2) == b"the true file"
        assert all(path.encode() for path in source.paths)  # valid UTF-8, fit for Parquet
        assert all(len(source.read(i)) > 10 for i in range(5))

    def test_links_are_followed_and_loops_end(self, tmp_path):
        outside = tmp_path / "outside"
        picture(outside / "o.png")
        root = tmp_path / "root"
        picture(root / "sub" / "p.png")
        (root / "sub" / "up").symlink_to(root)
        (root / "away").symlink_to(outside)
        (root / "again").symlink_to(root / "sub")
        (root / "file.png").symlink_to(outside / "o.png")
        (root / "broken.png").symlink_to(root / "nothing")
        source = open_source(root)
        assert list(source.paths) == ["away/o.png", "broken.png", "file.png", "sub/p.png"]
        assert source.read(2) == source.read(0)
        assert outcome_of(source, 1) == ("unreadable", "a link to nothing")

    def test_pipes_and_sockets_are_never_opened(self, tmp_path):
        os.mkfifo(tmp_path / "fifo.png")
        with (
            tempfile.TemporaryDirectory(dir="/tmp") as short,  # a socket's path must be short
            socket.socket(socket.AF_UNIX) as listener,
        ):
            listener.bind(f"{short}/s.png")
            (tmp_path / "s.png").symlink_to(f"{short}/s.png")
            source = open_source(tmp_path)
            reason = "a pipe, socket or device, not a file"
            assert outcome_of(source, 0) == ("not an image", reason)
            assert outcome_of(source, 1) == ("not an image", reason)

    def test_link_to_itself(self, tmp_path):
        (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
        picture(tmp_path / "b.png")
        source = open_source(tmp_path)
        assert list(source.paths) == ["a.png", "b.png"]
        assert outcome_of(source, 0) == ("unreadable", "too many levels of symbolic links")

    @pytest.mark.parametrize("name", ["fifo", "fifo.zip", "fifo.npy"])
    def test_a_pipe_named_directly(self, tmp_path, name):
        os.mkfifo(tmp_path / name)
        source = open_source(tmp_path / name)
        assert outcome_of(source, 0)[0] == "not an image"

    def test_vanished_file(self, tmp_path):
        path = picture(tmp_path / "a.png")
        source = open_source(tmp_path)
        path.unlink()
        assert outcome_of(source, 0) == ("unreadable", "the file is gone")

    def test_unreadable_folder_and_file_are_items(self):
        with tempfile.TemporaryDirectory() as name:  # pytest's own are closed to other users
            root = Path(name)
            root.chmod(0o755)
            picture(root / "a.png")
            picture(root / "shut" / "b.png")
            (root / "shut").chmod(0o000)
            (root / "a.png").chmod(0o000)
            was = os.geteuid()
            if was == 0:  # root may read everything
                os.seteuid(65534)
            try:
                source = open_source(root)
                assert list(source.paths) == ["a.png", "shut/"]
                assert outcome_of(source, 0) == ("unreadable", "no permission to read it")
                assert outcome_of(source, 1) == (
                    "unreadable",
                    "folder can't be opened: permission denied",
                )
            finally:
                os.seteuid(was)
                (root / "shut").chmod(0o755)

    def test_file_above_the_limit(self, tmp_path):
        with (tmp_path / "big.png").open("wb") as file:
            file.truncate(2**28 + 1)  # sparse
        assert outcome_of(open_source(tmp_path), 0) == ("too large", "file above 256 MiB")

    def test_nothing_there(self, tmp_path):
        assert message(tmp_path) == (
            f"a folder of pictures must hold at least one file; got none in '{tmp_path}'. "
            "Check the path; hidden files don't count."
        )
        assert message(tmp_path / "no") == (
            f"the pictures must exist; got '{tmp_path}/no'. Check the path."
        )
        assert message(str(tmp_path / "*.png")) == (
            f"a pattern must match at least one file; got no match for '{tmp_path}/*.png'. "
            "Check the pattern, and put it in quotes so that the shell leaves it alone."
        )
        assert message([]) == "there must be pictures; got an empty list. Name a folder."

    def test_a_folder_of_array_files_names_them(self, tmp_path):
        np.save(tmp_path / "x.npy", np.zeros((2, 3, 3)))
        (tmp_path / "README").write_text("hello")
        assert message(tmp_path) == (
            "a folder of pictures must hold picture files; got array files or archives in "
            f"'{tmp_path}': 'x.npy'. Name one or more of those files, such as '{tmp_path}/x.npy'."
        )

    def test_a_folder_as_mnist_is_downloaded_is_its_files_of_images(self, tmp_path, digits_idx):
        for name in ("train", "t10k"):
            (tmp_path / f"{name}-images-idx3-ubyte.gz").write_bytes(digits_idx[0].read_bytes())
            (tmp_path / f"{name}-labels-idx1-ubyte.gz").write_bytes(digits_idx[1].read_bytes())
        plain = gzip.decompress(digits_idx[0].read_bytes())
        (tmp_path / "train-images-idx3-ubyte").write_bytes(plain)  # as some unpack it, beside
        source = open_source(tmp_path)
        assert [part.name for part in source.parts] == [
            "t10k-images-idx3-ubyte.gz",
            "train-images-idx3-ubyte",
        ]
        assert [path.name for path in labels_beside(source)] == [
            "t10k-labels-idx1-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
        ]
        assert (source.read(len(source) // 2) == source.read(0)).all()

    def test_a_damaged_one_among_them_is_named(self, tmp_path):
        (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b\x08")
        assert message(tmp_path) == (
            f"'{tmp_path}/train-images-idx3-ubyte.gz' must be a whole IDX file; "
            "got a damaged or shortened file. Get the file again, or check that it is IDX."
        )

    def test_runs_are_no_pictures(self, tmp_path):
        picture(tmp_path / "a.png")
        drawn = picture(tmp_path / "run" / "pictures" / "map.png")
        with hold(drawn.parents[1]):
            pass
        assert list(open_source(tmp_path).paths) == ["a.png"]
        assert message(tmp_path / "run") == (
            f"the pictures must be those that people gave; got '{tmp_path}/run', which is a run. "
            "Name the folder that its pictures came from."
        )


class TestListsAndGlobs:
    def test_files_keep_their_order(self, tmp_path):
        paths = [picture(tmp_path / name) for name in ("z.png", "s/a.png", "b.png")]
        source = open_source(paths)
        assert list(source.paths) == ["z.png", "s/a.png", "b.png"]
        assert source.root == str(tmp_path)

    def test_one_file(self, tmp_path):
        source = open_source(str(picture(tmp_path / "z.png")))
        assert list(source.paths) == ["z.png"]
        assert source.root == f"{tmp_path}/z.png"

    def test_glob(self, tmp_path):
        for name in ("a/1.png", "a/2.png", "b/1.png", "b/1.txt"):
            picture(tmp_path / name)
        assert list(open_source(f"{tmp_path}/*/*.png").paths) == ["a/1.png", "a/2.png", "b/1.png"]

    def test_several_folders_and_an_array(self, tmp_path):
        picture(tmp_path / "cats" / "1.png", 1)
        picture(tmp_path / "dogs" / "1.png", 2)
        np.save(tmp_path / "more.npy", np.arange(18, dtype=np.uint8).reshape(2, 3, 3))
        source = open_source([tmp_path / "cats", tmp_path / "dogs", tmp_path / "more.npy"])
        assert isinstance(source, CompositeSource)
        assert list(source.paths) == ["cats/1.png", "dogs/1.png", "more.npy[0]", "more.npy[1]"]
        assert source.paths[1:3] == ["dogs/1.png", "more.npy[0]"]
        assert source.locate(3) == (2, 1)
        assert source.read(3).tolist() == [[9, 10, 11], [12, 13, 14], [15, 16, 17]]
        assert source.value_range == (0, 255)
        assert [part["kind"] for part in source.describe()["parts"]] == ["folder", "folder", "npy"]

    def test_opening_a_source_again_gives_it_back(self, tmp_path):
        source = open_source(picture(tmp_path / "z.png"))
        assert open_source(source) is source

    def test_a_million_names_stay_lazy(self):
        source = open_source(np.zeros((1_000_000, 1, 1), np.uint8))
        assert source.paths[999_999] == "array[999999]"
        with pytest.raises(IndexError):
            source.paths[1_000_000]


def test_a_text_file_names_pictures_one_a_line(tmp_path: Path) -> None:
    for name in ("a.png", "b c.png"):
        Image.new("L", (3, 3), 7).save(tmp_path / name)
    (tmp_path / "list.txt").write_text("b c.png\n\na.png\r\ngone.png\n")
    source = open_source(str(tmp_path / "list.txt"))
    assert list(source.paths) == ["b c.png", "a.png", "gone.png"]
    assert source.read(0) == (tmp_path / "b c.png").read_bytes()
    with pytest.raises(Unusable) as caught:
        source.read(2)
    assert caught.value.outcome == "unreadable"


def test_an_empty_list_of_paths_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("\n")
    with pytest.raises(SourceError) as caught:
        open_source(tmp_path / "list.txt")
    assert str(caught.value) == (
        f"a list of paths must name at least one picture; got no line in {tmp_path / 'list.txt'}. "
        "Write one path a line."
    )
