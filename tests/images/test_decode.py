from __future__ import annotations

import io
import struct
import subprocess
import sys
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pictree.images.decode import (
    FORMATS,
    Header,
    ImageFormat,
    Unusable,
    _shrink_on_load,
    decode,
    read_header,
    to_grey,
)


def fmt(height: int, width: int, channels: int = 1) -> ImageFormat:
    return ImageFormat(height, width, channels, "test")


def save(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(raw: bytes | np.ndarray, height: int, width: int) -> list[list[int]]:
    return decode(raw, fmt(height, width))[0][..., 0].tolist()


def colour(raw: bytes, height: int, width: int) -> list:
    return decode(raw, fmt(height, width, 3))[0].tolist()


def outcome_of(raw: bytes | np.ndarray) -> tuple[str, str]:
    with pytest.raises(Unusable) as caught:
        decode(raw, fmt(8, 8))
    return caught.value.outcome, caught.value.reason


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    )


class TestModes:
    def test_exact_size_is_untouched(self):
        values = np.random.default_rng(0).integers(0, 256, (5, 7), dtype=np.uint8)
        pixels, header = decode(save(Image.fromarray(values)), fmt(5, 7))
        assert pixels.dtype == np.uint8
        np.testing.assert_array_equal(pixels[..., 0], values)
        assert header == Header(7, 5, "L", 8, 1)

    def test_one_bit(self):
        raw = save(Image.fromarray(np.array([[True, False], [False, True]])))
        assert grey(raw, 2, 2) == [[255, 0], [0, 255]]
        assert decode(raw, fmt(2, 2))[1].bit_depth == 1

    def test_sixteen_bits_are_scaled_not_clipped(self):
        values = np.array([[0, 257, 256], [32896, 65535, 65278]], np.uint16)
        # /257: 0, 1, .996, 128, 255, 254
        for kind in ("PNG", "TIFF"):
            raw = save(Image.fromarray(values), kind)
            assert grey(raw, 2, 3) == [[0, 1, 1], [128, 255, 254]]
            assert decode(raw, fmt(2, 3))[1].bit_depth == 16

    def test_sixteen_bit_pgm_and_big_endian_tiff(self):
        values = np.array([[0, 257], [32896, 65535]], np.uint16)
        pgm = b"P5 2 2 65535\n" + values.astype(">u2").tobytes()
        assert grey(pgm, 2, 2) == [[0, 1], [128, 255]]
        big = Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes())
        assert grey(save(big, "TIFF"), 2, 2) == [[0, 1], [128, 255]]

    def test_dark_sixteen_bit_pgm_stays_dark(self):
        pgm = b"P5 2 1 65535\n" + np.array([0, 257], ">u2").tobytes()
        assert grey(pgm, 1, 2) == [[0, 1]]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0, 128, 255], [0, 128, 255]),
            ([0, 257, 65535], [0, 1, 255]),
            ([-100, 0, 100], [0, 128, 255]),  # 127.5 rounds to even
            ([100_000, 200_000, 100_000], [0, 255, 0]),
            ([70_000, 70_000, 70_000], [0, 0, 0]),
        ],
    )
    def test_thirty_two_bit_integers(self, values, expected):
        raw = save(Image.fromarray(np.array([values], np.int32)), "TIFF")
        assert grey(raw, 1, 3) == [expected]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.2, 1.0], [0, 51, 255]),
            ([0.0, 51.0, 255.0], [0, 51, 255]),
            ([-1.0, 0.0, 4.0], [0, 51, 255]),
        ],
    )
    def test_floats(self, values, expected):
        raw = save(Image.fromarray(np.array([values], np.float32)), "TIFF")
        assert grey(raw, 1, 3) == [expected]

    def test_float_picture_with_nan(self):
        raw = save(Image.fromarray(np.array([[0.0, np.nan]], np.float32)), "TIFF")
        assert outcome_of(raw) == ("unreadable", "holds NaN or infinite values")

    def test_alpha_is_laid_over_white(self):
        values = np.array([[[0, 0, 0, 0], [0, 0, 0, 255], [255, 0, 0, 102]]], np.uint8)
        # 102/255 = .4 red over white: green and blue 255 × .6 = 153
        raw = save(Image.fromarray(values, "RGBA"))
        assert colour(raw, 1, 3) == [[[255, 255, 255], [0, 0, 0], [255, 153, 153]]]

    def test_grey_with_alpha(self):
        raw = save(Image.fromarray(np.array([[[0, 102], [7, 255]]], np.uint8), "LA"))
        assert grey(raw, 1, 2) == [[153, 7]]

    def test_palette_and_palette_with_transparency(self):
        image = Image.new("P", (2, 1))
        image.putpalette([10, 20, 30, 200, 100, 0])
        image.putdata([0, 1])
        assert colour(save(image), 1, 2) == [[[10, 20, 30], [200, 100, 0]]]
        assert colour(save(image, transparency=1), 1, 2) == [[[10, 20, 30], [255, 255, 255]]]

    def test_transparent_colour_without_alpha(self):
        values = np.array([[[1, 2, 3], [4, 5, 6]]], np.uint8)
        raw = save(Image.fromarray(values), transparency=(4, 5, 6))
        assert colour(raw, 1, 2) == [[[1, 2, 3], [255, 255, 255]]]

    def test_cmyk(self):
        image = Image.new("CMYK", (1, 1), (0, 255, 255, 0))
        assert colour(save(image, "TIFF"), 1, 1) == [[[255, 0, 0]]]

    def test_cmyk_jpeg_as_photoshop_writes_it(self):
        red, green, blue = colour(save(Image.new("CMYK", (8, 8), (255, 0, 255, 0)), "JPEG"), 8, 8)[
            4
        ][4]
        assert (red < 5, green > 250, blue < 5) == (True, True, True)

    def test_lab(self):
        image = Image.frombytes("LAB", (2, 1), bytes([255, 0, 0, 0, 0, 0]))
        white, black = colour(save(image, "TIFF"), 1, 2)[0]
        assert min(white) >= 254  # the transform's own rounding
        assert max(black) <= 1

    def test_first_frame_of_an_animation(self):
        frames = [Image.new("L", (4, 4), value) for value in (10, 200)]
        for kind in ("GIF", "PNG", "WEBP"):
            raw = save(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
            assert grey(raw, 4, 4) == [[10] * 4] * 4

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
    def test_orientation(self, orientation, kind):
        """The stored picture is made so that the shown one is [[10, 80], [150, 220], [0, 255]]."""
        shown = np.array([[10, 80], [150, 220], [0, 255]], np.uint8)
        stored = {
            1: shown,
            2: shown[:, ::-1],
            3: shown[::-1, ::-1],
            4: shown[::-1],
            5: shown.T,
            6: shown.T[::-1],
            7: shown[::-1, ::-1].T,
            8: shown.T[:, ::-1],
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        raw = save(Image.fromarray(np.ascontiguousarray(stored)), kind, exif=exif, lossless=True)
        pixels, header = decode(raw, fmt(3, 2))
        assert pixels[..., 0].tolist() == shown.tolist()
        assert (header.width, header.height, header.orientation) == (2, 3, orientation)

    def test_grey_is_pillows(self):
        values = np.random.default_rng(1).integers(0, 256, (50, 60, 3), dtype=np.uint8)
        by_pillow = np.asarray(Image.fromarray(values).convert("L"))
        np.testing.assert_array_equal(to_grey(values)[..., 0], by_pillow)
        pure = np.diag([255, 255, 255]).astype(np.uint8)
        assert to_grey(pure).ravel().tolist() == [76, 150, 29]  # .299, .587, .114 of 255


class TestSizes:
    def test_wide_picture_is_framed_in_its_own_edge_colour(self):
        values = np.full((4, 8), 90, np.uint8)
        values[1:3, 1:7] = 200
        pixels = decode(save(Image.fromarray(values)), fmt(8, 8))[0][..., 0]
        assert (pixels[:2] == 90).all()
        assert (pixels[6:] == 90).all()
        np.testing.assert_array_equal(pixels[2:6], values)

    def test_tall_colour_picture(self):
        raw = save(Image.new("RGB", (2, 6), (10, 20, 30)))
        assert (decode(raw, fmt(6, 6, 3))[0] == [10, 20, 30]).all()

    @pytest.mark.parametrize("size", [(1, 1), (10_000, 1), (1, 10_000), (3, 2000)])
    def test_extreme_sizes(self, size):
        pixels, header = decode(save(Image.new("L", size, 77)), fmt(64, 64))
        assert (pixels == 77).all()
        assert (header.width, header.height) == size

    def test_a_rounding_of_the_aspect_gives_no_border(self):
        values = np.full((101, 100), 50, np.uint8)
        values[:, 3:97] = 250  # the edge's median is 50; a border would show as a dark row
        pixels = decode(save(Image.fromarray(values)), fmt(64, 64))[0]
        assert pixels[0, 32, 0] > 200
        assert pixels[-1, 32, 0] > 200

    def test_jpeg_is_decoded_at_reduced_scale(self):
        image = Image.new("RGB", (1600, 1200), (200, 30, 90))
        raw = save(image, "JPEG")
        with Image.open(io.BytesIO(raw)) as opened:
            _shrink_on_load(opened, read_header(raw), fmt(48, 64, 3))
            opened.load()
            assert opened.size == (200, 150)  # 1/8 is still at least twice 64×48
        pixels, header = decode(raw, fmt(48, 64, 3))
        assert np.abs(pixels.astype(int) - [200, 30, 90]).max() <= 3
        assert (header.width, header.height, header.mode) == (1600, 1200, "RGB")

    def test_reduced_scale_agrees_with_full(self, digits):
        big = Image.fromarray(digits[0][0]).resize((560, 560), Image.Resampling.BICUBIC)
        jpeg = decode(save(big, "JPEG", quality=95), fmt(28, 28))[0].astype(int)
        png = decode(save(big, "PNG"), fmt(28, 28))[0].astype(int)
        assert np.abs(jpeg - png).mean() < 3

    def test_turned_jpeg(self):
        values = np.zeros((400, 600), np.uint8)
        values[:, 300:] = 255  # turned by 90° clockwise: dark above, bright below
        exif = Image.Exif()
        exif[0x0112] = 6
        pixels, header = decode(save(Image.fromarray(values), "JPEG", exif=exif), fmt(60, 40))
        assert (header.width, header.height) == (400, 600)
        assert pixels[:28].max() < 20
        assert pixels[32:].min() > 235


class TestRefusals:
    def test_empty(self):
        assert outcome_of(b"") == ("empty", "0 bytes")

    def test_text_pdf_video_and_eps(self):
        assert outcome_of(b"hello, this is text\n" * 9) == ("not an image", "no known format")
        assert outcome_of(b"%PDF-1.7 ...") == ("not an image", "a PDF document")
        eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\n"
        assert outcome_of(eps) == ("not an image", "a PostScript drawing")
        video = b"\0\0\0\x18ftypmp42" + b"\0" * 40
        assert outcome_of(video) == ("not an image", "a video")

    def test_formats_that_start_programs_are_left_out(self):
        assert not {"EPS", "WMF", "EMF", "MPEG", "PDF"} & set(FORMATS)

    @pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "BMP"])
    def test_truncated(self, kind):
        noise = np.random.default_rng(0).integers(0, 256, (90, 90), dtype=np.uint8)
        raw = save(Image.fromarray(noise), kind)
        assert outcome_of(raw[: len(raw) // 2]) == ("unreadable", f"truncated {kind} file")

    def test_every_cut_of_a_file_has_an_outcome(self):
        noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        for kind in ("PNG", "JPEG", "TIFF", "GIF", "BMP", "WEBP", "PPM", "TGA", "ICO"):
            raw = save(Image.fromarray(noise), kind)
            for end in range(0, len(raw) - 40, 7):
                try:
                    decode(raw[:end], fmt(8, 8))
                except Unusable as problem:
                    assert problem.outcome in ("empty", "unreadable", "not an image")  # noqa: PT017

    def test_bomb_is_refused_from_its_header(self):
        bomb = png_header(60_000, 60_000) + png_chunk(b"IDAT", zlib.compress(b"\0" * 99))
        assert outcome_of(bomb) == ("too large", "more than 178,956,970 pixels")

    def test_large_but_allowed_gives_no_warning(self):
        raw = png_header(10_000, 10_000) + png_chunk(b"IDAT", zlib.compress(b"\0" * 99))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert outcome_of(raw)[0] == "unreadable"

    def test_wrong_checksum(self):
        raw = bytearray(save(Image.new("L", (4, 4), 9)))
        raw[-13] ^= 1  # the last byte before the 12 of IEND is of IDAT's checksum
        assert outcome_of(bytes(raw)) == ("unreadable", "broken PNG file: wrong checksum")

    def test_unusable_keeps_the_header(self):
        raw = save(Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 80), np.uint8)))
        with pytest.raises(Unusable) as caught:
            decode(raw[:3000], fmt(8, 8))
        assert caught.value.header == Header(80, 90, "L", 8, 1)


class TestArrays:
    def test_integers_by_range(self):
        values = np.array([[0, 10], [20, 40]], np.int32)
        assert decode(values, fmt(2, 2), (0, 40))[0][..., 0].tolist() == [[0, 64], [128, 255]]

    def test_uint16_bool_and_float(self):
        assert grey(np.array([[0, 257, 65535]], np.uint16), 1, 3) == [[0, 1, 255]]
        assert grey(np.array([[True, False]]), 1, 2) == [[255, 0]]
        assert grey(np.array([[0.0, 0.2, 1.0]]), 1, 3) == [[0, 51, 255]]

    def test_values_beyond_the_range_are_the_ends(self):
        assert decode(np.array([[-1.0, 9.0]]), fmt(1, 2), (0, 1))[0].ravel().tolist() == [0, 255]

    def test_constant(self):
        assert grey(np.full((2, 2), 3.5), 2, 2) == [[0, 0], [0, 0]]
        assert grey(np.full((2, 2), 200, np.uint8), 2, 2) == [[200, 200], [200, 200]]

    def test_huge_floats_do_not_overflow(self):
        top = np.finfo(np.float64).max
        assert grey(np.array([[-top, 0.0, top]]), 1, 3) == [[0, 128, 255]]

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_non_finite(self, bad):
        assert outcome_of(np.array([[0.0, bad]])) == ("unreadable", "holds NaN or infinite values")

    def test_channels(self):
        rgba = np.array([[[0, 0, 0, 0], [255, 0, 0, 255]]], np.uint8)
        assert decode(rgba, fmt(1, 2, 3))[0].tolist() == [[[255, 255, 255], [255, 0, 0]]]
        assert decode(rgba, fmt(1, 2, 1))[0].ravel().tolist() == [255, 76]
        one = np.array([[[7], [8]]], np.uint8)
        assert decode(one, fmt(1, 2, 3))[0].tolist() == [[[7, 7, 7], [8, 8, 8]]]

    def test_not_an_image(self):
        assert outcome_of(np.zeros((2, 2, 2))) == (
            "not an image",
            "an array of shape (2, 2, 2) and float64",
        )
        assert outcome_of(np.zeros((0, 2)))[0] == "empty"


def test_torture_gives_outcomes_and_prints_nothing(data_dir: Path):
    """In a process of its own, for what libraries print past Python."""
    program = (
        "import sys; from pathlib import Path\n"
        "from pictree.images.decode import *\n"
        "fmt = ImageFormat(16, 16, 3, '')\n"
        "for file in sorted(Path(sys.argv[1]).rglob('*')):\n"
        "    if file.is_file():\n"
        "        try: decode(file.read_bytes(), fmt); print('used', file.name)\n"
        "        except Unusable as problem: print(problem.outcome, file.name)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(data_dir / "torture")],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    assert result.stderr == ""
    lines = result.stdout.splitlines()
    files = [file for file in (data_dir / "torture").rglob("*") if file.is_file()]
    assert len(lines) == len(files)
    assert sum(line.startswith("used ") for line in lines) > 900


def test_pngsuite(data_dir: Path):
    for file in sorted((data_dir / "torture" / "pngsuite").glob("*.png")):
        if file.name.startswith("x"):
            assert outcome_of(file.read_bytes())[0] in ("unreadable", "not an image")
        else:
            assert decode(file.read_bytes(), fmt(32, 32, 3))[0].shape == (32, 32, 3)
