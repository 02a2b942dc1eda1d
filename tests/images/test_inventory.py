from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from pictree.images.decode import ImageFormat
from pictree.images.format import choose_format
from pictree.images.inventory import (
    INVENTORY_SCHEMA,
    problems,
    remember,
    summary,
    take_stock,
)
from pictree.images.sources import open_source
from pictree.pipeline.scan import scan
from pictree.pipeline.text import scan_text


def fmt(side: int = 4, channels: int = 1) -> ImageFormat:
    return ImageFormat(side, side, channels, "test")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, value in (("a.png", 10), ("b.png", 20), ("c.png", 10), ("e.png", 30)):
        Image.new("L", (4, 4), value).save(tmp_path / name)
    (tmp_path / "d.png").write_bytes(b"")
    (tmp_path / "f.txt").write_text("hello")
    return tmp_path


class TestFolder:
    def test_every_file_has_a_row(self, folder):
        seen: dict[bytes, int] = {}
        frame, pixels = take_stock(open_source(folder), range(6), fmt(), first_id=0, seen=seen)
        assert dict(frame.schema) == INVENTORY_SCHEMA
        assert frame["id"].to_list() == [0, 1, 2, 3, 4, 5]
        assert frame["path"].to_list() == ["a.png", "b.png", "c.png", "d.png", "e.png", "f.txt"]
        assert frame["outcome"].to_list() == [
            *("used", "used", "duplicate", "empty", "used", "not an image"),
        ]
        assert frame["reason"].to_list() == [
            *("", "", "same content as a.png", "0 bytes", "", "no known format"),
        ]
        assert frame["duplicate_of"].to_list() == [None, None, 0, None, None, None]
        assert frame["width"].to_list() == [4, 4, 4, None, 4, None]
        assert frame["split"].unique().to_list() == ["train"]
        assert frame["known_label"].null_count() == 6
        digest = hashlib.sha256((folder / "b.png").read_bytes()).hexdigest()
        assert frame["sha256"][1] == digest
        assert pixels.shape == (3, 4, 4, 1)
        assert pixels.dtype == np.uint8
        assert pixels[:, 0, 0, 0].tolist() == [10, 20, 30]

    def test_shards_agree_with_the_whole(self, folder):
        source = open_source(folder)
        whole, pixels = take_stock(source, range(6), fmt(), first_id=0, seen={})
        seen: dict[bytes, int] = {}
        first, some = take_stock(source, range(2), fmt(), first_id=0, seen=seen)
        resumed: dict[bytes, int] = {}
        remember(first, resumed)
        assert resumed == seen
        second, more = take_stock(source, range(2, 6), fmt(), first_id=2, seen=resumed)
        assert pl.concat([first, second]).equals(whole)
        np.testing.assert_array_equal(np.concatenate([some, more]), pixels)

    def test_validation_source_finds_duplicates_of_the_first(self, folder, tmp_path_factory):
        seen: dict[bytes, int] = {}
        take_stock(open_source(folder), range(6), fmt(), first_id=0, seen=seen)
        other = tmp_path_factory.mktemp("other")
        (other / "v.png").write_bytes((folder / "b.png").read_bytes())
        frame, pixels = take_stock(open_source(other), range(1), fmt(), first_id=6, seen=seen)
        row = frame.row(0, named=True)
        assert (row["id"], row["outcome"], row["duplicate_of"]) == (6, "duplicate", 1)
        assert row["reason"] == "same content as image 1"
        assert len(pixels) == 0

    def test_progress_adds_up(self, folder):
        done: list[int] = []
        take_stock(open_source(folder), range(6), fmt(), first_id=0, seen={}, progress=done.append)
        assert sum(done) == 6

    def test_summary_and_problems(self, folder):
        frame, _ = take_stock(open_source(folder), range(6), fmt(), first_id=0, seen={})
        assert problems(frame)["path"].to_list() == ["d.png", "f.txt"]
        assert summary(frame) == {
            "files": 6,
            "used": 3,
            "duplicates": 1,
            "first_pages": 0,
            "problems": {"empty: 0 bytes": 1, "not an image: no known format": 1},
            "modes": {"L": 4},
            "sizes": {"4×4": 4},
        }

    def test_a_stack_in_a_folder_is_said_to_be_one(self, tmp_path):
        pages = [Image.new("I;16", (6, 4), 9 * i) for i in range(4)]
        pages[0].save(tmp_path / "one.tif")
        pages[1].save(tmp_path / "three.tif", save_all=True, append_images=pages[2:])
        frame, pixels = take_stock(open_source(tmp_path), range(2), fmt(), first_id=0, seen={})
        assert frame["reason"].to_list() == ["", "the first of several pages"]
        found = summary(frame)
        assert (len(pixels), found["used"], found["first_pages"]) == (2, 2, 1)
        text = scan_text(scan(tmp_path)).splitlines()
        assert text[1] == (
            "of 1 file with several pages or frames the first is used; "
            "'FOLDER/**/*.tif' (or *.dcm) takes every one"
        )
        assert len(open_source(str(tmp_path / "**/*.tif"))) == 4

    @pytest.mark.parametrize("suffix", ["gif", "png", "webp"])
    def test_an_animated_picture_is_said_to_be_one(self, tmp_path, suffix):
        frames = [Image.new("L", (6, 4), 60 * i) for i in range(4)]
        frames[0].save(tmp_path / f"one.{suffix}")
        frames[1].save(tmp_path / f"three.{suffix}", save_all=True, append_images=frames[2:])
        frame, pixels = take_stock(open_source(tmp_path), range(2), fmt(), first_id=0, seen={})
        assert frame["reason"].to_list() == ["", "the first of several pages"]
        assert np.abs(pixels[1].astype(int) - 60).max() <= 1  # the first: WebP is not exact

    def test_the_first_frame_is_used_where_the_second_is_broken(self, tmp_path):
        frames = [Image.effect_noise((16, 16), 60 + i) for i in range(3)]
        frames[0].save(tmp_path / "a.gif")
        alone = len((tmp_path / "a.gif").read_bytes())
        frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
        whole = (tmp_path / "a.gif").read_bytes()
        (tmp_path / "a.gif").write_bytes(whole[: alone + 40])
        (tmp_path / "b.gif").write_bytes(whole)
        frame, pixels = take_stock(open_source(tmp_path), range(2), fmt(), first_id=0, seen={})
        assert frame["outcome"].to_list() == ["used", "used"]
        np.testing.assert_array_equal(pixels[0], pixels[1])

    def test_sizes_beyond_ten_are_summed(self, tmp_path):
        for side in range(1, 14):
            Image.new("L", (side, 2)).save(tmp_path / f"{side:02}.png")
        frame, _ = take_stock(open_source(tmp_path), range(13), fmt(), first_id=0, seen={})
        assert summary(frame)["sizes"]["other"] == 3

    def test_frame_survives_parquet(self, folder, tmp_path):
        (folder / "new\nline <b>.png").write_bytes(b"x")
        frame, _ = take_stock(open_source(folder), range(7), fmt(), first_id=0, seen={})
        frame.write_parquet(tmp_path / "f.parquet")
        assert pl.read_parquet(tmp_path / "f.parquet").equals(frame)


class TestArrays:
    def test_fast_path_agrees_with_plain(self):
        """Arrays of the format's size go in blocks; the same by single images must agree."""
        rng = np.random.default_rng(0)
        for values in (
            rng.integers(0, 256, (300, 4, 4), dtype=np.uint8),
            rng.integers(0, 256, (300, 4, 4, 3), dtype=np.uint8),
            rng.integers(0, 256, (300, 4, 4, 4), dtype=np.uint8),
            rng.normal(size=(300, 4, 4)).astype(np.float32),
            rng.integers(0, 65536, (300, 4, 4), dtype=np.uint16),
            rng.random((300, 4, 4)) > 0.5,
        ):
            values[7] = values[3]
            for channels in (1, 3):
                source = open_source(values)
                fast = take_stock(source, range(300), fmt(4, channels), first_id=0, seen={})
                source.block = lambda rows: None
                plain = take_stock(source, range(300), fmt(4, channels), first_id=0, seen={})
                assert fast[0].equals(plain[0])
                np.testing.assert_array_equal(fast[1], plain[1])

    def test_non_finite_images_are_left_out(self):
        values = np.zeros((3, 4, 4))
        values[0, 0, 0], values[1, 2, 2], values[2, 1, 1] = 0.5, np.nan, 1.0
        frame, pixels = take_stock(open_source(values), range(3), fmt(), first_id=0, seen={})
        assert frame["outcome"].to_list() == ["used", "unreadable", "used"]
        assert frame["reason"][1] == "holds NaN or infinite values"
        assert pixels[:, 0, 0, 0].tolist() == [128, 0]

    def test_digest_tells_shape_and_type(self):
        square, flat = np.zeros((1, 2, 2), np.uint8), np.zeros((1, 1, 4), np.uint8)
        digests = set()
        for values in (square, flat, square.astype(bool)):
            frame, _ = take_stock(open_source(values), range(1), fmt(), first_id=0, seen={})
            digests.add(frame["sha256"][0])
        assert len(digests) == 3

    def test_composite_shard_across_parts(self, digits):
        images = digits[0][:50]
        source = open_source([images[:30], images[30:]])
        frame, pixels = take_stock(source, range(20, 45), fmt(28), first_id=20, seen={})
        np.testing.assert_array_equal(pixels[..., 0], images[20:45])
        assert frame["path"].to_list()[9:11] == ["array-1[29]", "array-2[0]"]

    def test_digits_are_kept_to_the_bit(self, digits_idx, digits):
        source = open_source(digits_idx[0])
        form = choose_format(source)
        frame, pixels = take_stock(source, range(10_000), form, first_id=0, seen={})
        assert summary(frame)["used"] == 10_000
        np.testing.assert_array_equal(pixels[..., 0], digits[0])


def test_torture_folder(data_dir):
    source = open_source(data_dir / "torture")
    form = choose_format(source)
    frame, pixels = take_stock(source, range(len(source)), form, first_id=0, seen={})
    assert frame.height == len(source)
    assert frame["outcome"].null_count() == 0
    assert (problems(frame)["reason"] != "").all()
    assert len(pixels) == summary(frame)["used"] > 900
