from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pictree.errors import SourceError
from pictree.images.decode import ImageFormat, decode
from pictree.images.format import choose_format
from pictree.images.sources import open_source


def save(folder, name, size, colour=0, mode="L"):
    Image.new(mode, size, colour).save(folder / name)


def test_small_equal_images_are_kept(digits):
    assert choose_format(open_source(digits[0][:100])) == ImageFormat(
        28, 28, 1, "all are 28×28, kept as they are; all grey (100 of 100 images looked at)"
    )


@pytest.mark.parametrize("shape", [(3, 3), (5, 7), (31, 47), (64, 64), (1, 1)])
def test_odd_sizes_are_kept(shape):
    form = choose_format(open_source(np.zeros((4, *shape))))
    assert (form.height, form.width) == shape


def test_large_equal_images(tmp_path):
    save(tmp_path, "a.png", (640, 480))
    save(tmp_path, "b.png", (640, 480))
    assert choose_format(open_source(tmp_path)) == ImageFormat(
        48, 64, 1, "all are 640×480, brought to 64×48; all grey (2 of 2 images looked at)"
    )


def test_a_network_s_own_side_may_be_the_longest(tmp_path):
    save(tmp_path, "a.png", (640, 480))
    form = choose_format(open_source(tmp_path), longest=224)
    assert (form.height, form.width) == (168, 224)
    save(tmp_path, "b.png", (100, 200))
    form = choose_format(open_source(tmp_path), longest=224)
    assert (form.height, form.width) == (224, 224)


def test_tall_images_that_nearly_agree(tmp_path):
    for i, size in enumerate([(100, 200), (101, 200), (300, 606)]):
        save(tmp_path, f"{i}.png", size)
    form = choose_format(open_source(tmp_path))
    assert (form.height, form.width) == (64, 32)
    assert form.reason.startswith("sizes differ, the aspect ratio hardly: 32×64; ")


def test_mixed_sizes(tmp_path):
    save(tmp_path, "a.png", (640, 480))
    save(tmp_path, "b.png", (480, 640))
    form = choose_format(open_source(tmp_path))
    assert (form.height, form.width) == (64, 64)
    assert form.reason.startswith("sizes and aspect ratios differ: 64×64 with a border; ")


def test_small_mixed_sizes_are_not_blown_up(tmp_path):
    save(tmp_path, "a.png", (20, 10))
    save(tmp_path, "b.png", (16, 16))
    form = choose_format(open_source(tmp_path))
    assert (form.height, form.width) == (20, 20)


def test_grey_in_a_colour_mode_is_grey(tmp_path):
    save(tmp_path, "a.png", (9, 9), (50, 50, 50), "RGB")
    save(tmp_path, "b.png", (9, 9), (70, 70, 70, 255), "RGBA")
    assert choose_format(open_source(tmp_path)).channels == 1
    save(tmp_path, "c.png", (9, 9), (70, 71, 70), "RGB")
    assert choose_format(open_source(tmp_path)).channels == 3


def test_orientation_counts(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("L", (200, 100)).save(tmp_path / "a.jpg", exif=exif)
    form = choose_format(open_source(tmp_path))
    assert (form.height, form.width) == (64, 32)


def test_as_asked_for(digits):
    source = open_source(digits[0][:9])
    assert choose_format(source, (5, 7), 3) == ImageFormat(
        5, 7, 3, "size and channels as asked for"
    )
    assert choose_format(source, image_size=(5, 7)) == ImageFormat(
        5, 7, 1, "size as asked for; all grey (9 of 9 images looked at)"
    )
    assert choose_format(source, channels=3).reason == (
        "all are 28×28, kept as they are; colour as asked for (9 of 9 images looked at)"
    )


def deep(folder, pictures):
    for i, values in enumerate(pictures):
        Image.fromarray(values.astype(np.uint16)).save(folder / f"{i:03d}.tif")


@pytest.mark.parametrize("asked", [(None, None), ((9, 9), 1)])
def test_sixteen_bits_that_use_few_values_are_stretched_alike(tmp_path, asked):
    """A camera's 12 bits, dead and hot pixels; an overexposed picture of sixty changes nothing."""
    pictures = np.random.default_rng(0).integers(500, 4001, (60, 40, 40))
    pictures[:, 3, 3], pictures[:, 5, 5] = 0, 65535
    pictures[44] = 65535
    deep(tmp_path, pictures)
    form = choose_format(open_source(tmp_path), *asked)
    low, high = form.deep
    assert 500 <= low <= 510
    assert 3990 <= high <= 4000
    assert form.reason.endswith(f"; {low} is black and {high:,} white")
    pixels = decode((tmp_path / "000.tif").read_bytes(), ImageFormat(40, 40, 1, "", form.deep))[0]
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert np.median(pixels) == pytest.approx(128, abs=8)


def test_sixteen_bits_that_use_many_values_stay(tmp_path):
    deep(tmp_path, np.random.default_rng(0).integers(20000, 60000, (5, 9, 9)))
    assert choose_format(open_source(tmp_path)).deep is None
    deep(tmp_path, np.full((5, 9, 9), 700))
    assert choose_format(open_source(tmp_path)).deep is None


def test_a_broken_deep_file_is_no_measure(tmp_path):
    deep(tmp_path, np.random.default_rng(0).integers(0, 4000, (3, 60, 60)))
    whole = (tmp_path / "000.tif").read_bytes()
    (tmp_path / "broken.tif").write_bytes(whole[: len(whole) // 2])
    assert choose_format(open_source(tmp_path)).deep[1] > 3900


def test_nothing_usable(tmp_path):
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.txt").write_text("there")
    (tmp_path / "c.png").write_bytes(b"")
    with pytest.raises(SourceError) as caught:
        choose_format(open_source(tmp_path))
    assert str(caught.value) == (
        f"at least one image must be usable; got 3 in '{tmp_path.name}': 2 not an image: no known "
        "format, 1 empty: 0 bytes. Run pictree scan on it to see each file's reason."
    )


def test_only_header_is_whole(tmp_path):
    """A file whose header can be read but not its pixels is not usable."""
    noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes((tmp_path / "a.png").read_bytes()[:900])
    with pytest.raises(SourceError, match="unreadable: truncated PNG file"):
        choose_format(open_source(tmp_path))


def test_looks_further_than_the_sample():
    values = np.full((3000, 4, 4), np.nan)
    values[1234] = 0.5
    source = open_source(values)
    source.value_range = (0, 1)
    form = choose_format(source)
    assert (form.height, form.width, form.channels) == (4, 4, 1)
