"""DICOM and HEIC, from real files: pydicom's own samples, and a digit encoded once."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from pictree.images.decode import Header, ImageFormat, decode, read_header
from pictree.images.outcome import Unusable
from pictree.images.sources import open_source

HEIC = Path(__file__).parent / "files" / "digit.heic"


def whole(raw: bytes, channels: int = 1) -> tuple[np.ndarray, Header]:
    """Decode at the picture's own size."""
    header = read_header(raw)
    return decode(raw, ImageFormat(header.height, header.width, channels, "its own"))


class TestDicom:
    def raw(self, name: str, **changes: object) -> bytes:
        """Return the bytes of one of pydicom's files, with other values of some elements."""
        from pydicom import dcmread
        from pydicom.data import get_testdata_file

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = dcmread(get_testdata_file(name, download=False))
            for key, value in changes.items():
                if value is None:
                    delattr(data, key)
                else:
                    setattr(data, key, value)
            buffer = io.BytesIO()
            data.save_as(buffer)
        return buffer.getvalue()

    def stored(self, name: str) -> np.ndarray:
        from pydicom import dcmread
        from pydicom.data import get_testdata_file

        return dcmread(get_testdata_file(name, download=False)).pixel_array

    def test_the_header_is_the_files(self) -> None:
        _, header = whole(self.raw("CT_small.dcm"))
        assert header == Header(128, 128, "MONOCHROME2", 16, 1)

    def test_without_a_window_the_range_of_the_values(self) -> None:
        stored = self.stored("CT_small.dcm").astype(float)
        pixels, _ = whole(self.raw("CT_small.dcm"))
        share = (stored - stored.min()) / np.ptp(stored)
        np.testing.assert_array_equal(pixels[..., 0], np.rint(share * 255))

    def test_a_window_is_of_real_values(self) -> None:
        """Hounsfield units: the stored values less 1,024."""
        real = self.stored("CT_small.dcm").astype(float) - 1024
        raw = self.raw("CT_small.dcm", WindowCenter=[50, 500], WindowWidth=[400, 2000])
        share = np.clip((real - 49.5) / 399 + 0.5, 0, 1)
        np.testing.assert_array_equal(whole(raw)[0][..., 0], np.rint(share * 255))
        exact = self.raw(
            "CT_small.dcm", WindowCenter=50, WindowWidth=400, VOILUTFunction="LINEAR_EXACT"
        )
        share = np.clip((real - 50) / 400 + 0.5, 0, 1)
        np.testing.assert_array_equal(whole(exact)[0][..., 0], np.rint(share * 255))

    def test_the_window_is_pydicoms_too(self) -> None:
        from pydicom import dcmread
        from pydicom.data import get_testdata_file
        from pydicom.pixels import apply_windowing

        data = dcmread(get_testdata_file("MR_small.dcm", download=False))
        theirs = apply_windowing(data.pixel_array, data)
        low, high = -(2.0**15), 2.0**15 - 1
        expected = np.rint((theirs - low) / (high - low) * 255)
        pixels, _ = whole(self.raw("MR_small.dcm"))
        np.testing.assert_array_equal(pixels[..., 0], expected)

    def test_monochrome1_is_inverted(self) -> None:
        pixels, _ = whole(self.raw("MR_small.dcm"))
        inverted, header = whole(self.raw("MR_small.dcm", PhotometricInterpretation="MONOCHROME1"))
        assert header.mode == "MONOCHROME1"
        np.testing.assert_array_equal(inverted, 255 - pixels)

    def test_padding_is_black_and_no_part_of_the_range(self) -> None:
        stored = self.stored("CT_small.dcm").astype(float)
        one = int(stored.max())
        pixels, _ = whole(self.raw("CT_small.dcm", PixelPaddingValue=one))
        there = stored != one
        assert pixels[..., 0][~there].max() == 0
        share = (stored - stored.min()) / np.ptp(stored[there])
        np.testing.assert_array_equal(pixels[..., 0][there], np.rint(share * 255)[there])

    @pytest.mark.parametrize(
        "name", ["MR_small_RLE.dcm", "MR_small_bigendian.dcm", "MR_small_implicit.dcm",
                 "MR_small_jp2klossless.dcm", "MR_small_expb.dcm"],
    )  # fmt: skip
    def test_one_picture_in_every_transfer_syntax(self, name: str) -> None:
        np.testing.assert_array_equal(whole(self.raw(name))[0], whole(self.raw("MR_small.dcm"))[0])

    @pytest.mark.parametrize(
        "name", ["SC_rgb_rle.dcm", "SC_rgb_rle_16bit.dcm", "SC_rgb_rle_2frame.dcm",
                 "SC_rgb_dcmtk_+eb+cy+n1.dcm", "SC_ybr_full_422_uncompressed.dcm",
                 "SC_rgb_jpeg_dcmtk.dcm"],
    )  # fmt: skip
    def test_colours_are_right_in_every_interpretation(self, name: str) -> None:
        """Ten stripes, of which these are the middles; YBR and JPEG are not exact."""
        pixels, _ = whole(self.raw(name), channels=3)
        middles = pixels[[5, 25, 45, 65, 95], 50].astype(int)
        colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [64, 64, 64], [255, 255, 255]]
        assert np.abs(middles[[0, 1, 2, 4]] - np.array(colours)[[0, 1, 2, 4]]).max() <= 6

    def test_a_palette_is_looked_up(self) -> None:
        pixels, header = whole(self.raw("examples_palette.dcm"), channels=3)
        assert header.mode == "PALETTE COLOR"
        assert (pixels[..., 0] != pixels[..., 2]).any()

    @pytest.mark.parametrize(
        "name", ["rtdose.dcm", "rtdose_expb.dcm", "rtdose_rle.dcm", "SC_rgb_rle_16bit_2frame.dcm"]
    )
    def test_every_frame_of_a_file_that_is_named(self, name: str, tmp_path: Path) -> None:
        """Also in either byte order, compressed, and without an ending to its name."""
        from pydicom import dcmread

        file = tmp_path / "IM0001"
        file.write_bytes(self.raw(name))
        stored, source = self.stored(name), open_source(file)
        assert (source.kind, len(source), source.paths[1]) == ("stack", len(stored), "IM0001[1]")
        for i, frame in enumerate(stored):
            one = source.read(i)
            assert isinstance(one, bytes)
            np.testing.assert_array_equal(dcmread(io.BytesIO(one)).pixel_array, frame)
            assert not read_header(one).more_pages

    def test_frames_of_one_bit_that_begin_inside_a_byte(self, tmp_path: Path) -> None:
        bits = np.random.default_rng(0).integers(0, 2, (3, 5, 3), dtype=np.uint8)
        raw = np.packbits(bits.ravel(), bitorder="little").tobytes()
        (tmp_path / "a.dcm").write_bytes(
            self.raw(
                "liver_1frame.dcm", NumberOfFrames=3, Rows=5, Columns=3, PixelData=raw,
                SharedFunctionalGroupsSequence=None, PerFrameFunctionalGroupsSequence=None,
            )
        )  # fmt: skip
        source = open_source(tmp_path / "a.dcm")
        for i in range(3):
            np.testing.assert_array_equal(whole(source.read(i))[0][..., 0], 255 * bits[i])

    def test_a_frame_has_its_own_window(self, tmp_path: Path) -> None:
        """As enhanced files keep it: in groups of all frames, and of each."""
        from pydicom.dataset import Dataset

        def group(**values: float) -> Dataset:
            window, rescale, both = Dataset(), Dataset(), Dataset()
            window.WindowCenter, window.WindowWidth = values["centre"], 100
            rescale.RescaleIntercept, rescale.RescaleSlope = values["intercept"], 1
            both.FrameVOILUTSequence = [window]
            both.PixelValueTransformationSequence = [rescale]
            return both

        stored = self.stored("CT_small.dcm")
        own = [group(centre=900, intercept=0), group(centre=100, intercept=-1024)]
        raw = self.raw(
            "CT_small.dcm", NumberOfFrames=2, PixelData=2 * stored.tobytes(),
            PerFrameFunctionalGroupsSequence=own, RescaleIntercept=None, RescaleSlope=None,
        )  # fmt: skip
        (tmp_path / "a.dcm").write_bytes(raw)
        source = open_source(tmp_path / "a.dcm")
        pages = [whole(source.read(i))[0][..., 0] for i in range(2)]
        for page, (centre, intercept) in zip(pages, [(900, 0), (100, -1024)], strict=True):
            share = (stored.astype(float) + intercept - (centre - 0.5)) / 99 + 0.5
            np.testing.assert_array_equal(page, np.rint(np.clip(share, 0, 1) * 255))
        first, header = whole(raw)
        np.testing.assert_array_equal(first[..., 0], pages[0])
        assert header.more_pages

    def test_a_lost_frame_has_an_outcome(self, tmp_path: Path) -> None:
        file = tmp_path / "a.dcm"
        file.write_bytes(self.raw("rtdose_rle.dcm", NumberOfFrames=17))
        with pytest.raises(Unusable) as caught:
            open_source(file).read(16)
        assert str(caught.value) == "unreadable: broken frame of a DICOM file"

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("rtplan.dcm", "not an image: a DICOM file without a picture"),
            ("MR_truncated.dcm", "unreadable: broken DICOM file"),
            ("MR_small_jpeg_ls_lossless.dcm",
             "unreadable: DICOM compressed as JPEG-LS Lossless Image Compression"),
        ],
    )  # fmt: skip
    def test_what_can_not_be_shown_says_why(self, name: str, said: str) -> None:
        from pydicom.data import get_testdata_file

        raw = Path(str(get_testdata_file(name, download=False))).read_bytes()
        with pytest.raises(Unusable) as caught:
            read_header(raw)
        assert str(caught.value) == said


class TestHeic:
    def test_a_digit(self, digits: tuple) -> None:
        pixels, header = whole(HEIC.read_bytes(), channels=3)
        assert (header.width, header.height, header.mode) == (56, 56, "RGB")
        assert (np.abs(pixels[:10].astype(int) - [255, 0, 0]) < 40).all()
        small = pixels[::2, ::2, 0].astype(float)[8:]
        original = digits[0][0][8:].astype(float)
        assert np.corrcoef(small.ravel(), original.ravel())[0, 1] > 0.95

    def test_a_broken_one_has_an_outcome(self) -> None:
        with pytest.raises(Unusable) as caught:
            whole(HEIC.read_bytes()[:700])
        assert caught.value.outcome == "unreadable"
        with pytest.raises(Unusable) as caught:
            read_header(b"\0\0\0\x18ftypheic" + b"\0" * 40)
        assert str(caught.value) == "unreadable: broken HEIC file"


@pytest.mark.parametrize(
    ("module", "extra", "said"),
    [("pydicom", "dicom", "DICOM needs pydicom"), ("pi_heif", "heic", "HEIC needs pi-heif")],
)
def test_an_absent_extra_is_an_outcome_with_its_install_line(
    module: str, extra: str, said: str, tmp_path: Path
) -> None:
    file = HEIC
    if module == "pydicom":
        file = tmp_path / "a.dcm"
        file.write_bytes(b"\0" * 128 + b"DICM")
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from pictree.images.decode import read_header\n"
        "try: read_header(open(sys.argv[1], 'rb').read())\n"
        "except Exception as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code, file], capture_output=True, text=True)
    assert done.stdout == f"not an image: {said}. Run pip install 'pictree[{extra}]'\n"
