"""Bytes or an array to the uint8 pixels of one image, upright and in the run's format."""

from __future__ import annotations

import contextlib
import io
import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from pictree.images.dicom import HEADER, is_dicom, open_dicom
from pictree.images.heic import is_heic, teach_pillow
from pictree.images.modes import eight_bits
from pictree.images.outcome import MAX_PIXELS, Header, Unusable
from pictree.images.quiet import quiet
from pictree.images.scale import array_to_bytes, set_channels, to_grey
from pictree.images.signatures import check_png, explain_unknown, picture_kind

__all__ = [
    "FORMATS",
    "Header",
    "ImageFormat",
    "Unusable",
    "array_header",
    "decode",
    "inner_boxes",
    "read_header",
    "to_grey",
]

FORMATS = (
    *("JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP", "JPEG2000", "PPM", "QOI", "DIB"),
    *("ICO", "ICNS", "PSD", "PCX", "SGI", "SUN", "DDS", "FLI", "IM", "MSP", "XBM", "XPM"),
    *("HEIF", "TGA"),
)
"""Pillow's names of the formats that are read. All are pixel formats that Pillow decodes itself:
what would start another program (EPS, WMF) or needs a plug-in is left out on purpose. They are
tried in this order; TGA, which has no signature, is the last."""

_SPARE = 1.5
"""How many times larger a JPEG is decoded at least than it is to be. With 2, pictures of 500×375
take twice as long to 64×64, and differ from those that were decoded whole by 2.8 grey levels (root
mean square) instead of 3.3."""

_ANIMATED = ("GIF", "PNG", "WEBP", "AVIF", "FLI", "HEIF")
"""Formats beside TIFF whose further frames are told of. A phone's JPEG (MPO) keeps a map of depth
or of light behind its picture, a PSD its layers, an icon its sizes: these are one picture each."""

_MANY_PIXELS = 2**25
_one_large_at_a_time: contextlib.AbstractContextManager = threading.Lock()
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class ImageFormat:
    """Size and channels that every image of a run is brought to.

    Attributes
    ----------
    height, width : int
        Pixels.
    channels : int
        1 (grey) or 3 (colour).
    reason : str
        How they came about, in one sentence.
    deep : (int, int) or None
        The values of black and of white in grey files of 12 and 16 bits: where a pile uses few of
        the values that these bits can hold (`pictree.images.deep`). Default: all of them.
    """

    height: int
    width: int
    channels: int
    reason: str
    deep: tuple[int, int] | None = None


def decode(
    raw: bytes | np.ndarray,
    fmt: ImageFormat,
    value_range: tuple[float, float] | None = None,
) -> tuple[np.ndarray, Header]:
    """Bring one picture to the run's format.

    The first frame, upright, its aspect ratio kept: where the format's differs, the rest is
    filled with the median colour of the picture's own edge. A picture that has the exact size
    is not resampled. JPEG is decoded at 1/2, 1/4 or 1/8 where that suffices. How modes become
    8 bits: `pictree.images.modes`.

    Parameters
    ----------
    raw : bytes or ndarray
        A whole file, or an array (h, w) or (h, w, c) with c 1, 3 or 4; bool, integer or float.
    fmt : ImageFormat
    value_range : (float, float), optional
        For arrays: the values of black and of white, best of the whole data set. Default: of
        this array, by `pictree.images.scale.natural_range`.

    Returns
    -------
    pixels : ndarray of uint8, shape (height, width, channels)
    header : Header

    Raises
    ------
    Unusable
        For anything that is not a whole picture within the limits; nothing else is raised.
    """
    if isinstance(raw, np.ndarray):
        return _decode_array(raw, fmt, value_range)
    with quiet, _opened(raw) as image:
        header = _header(image)
        try:
            if image.format == "PNG":
                check_png(raw)
            # DDS has at least 4 bits for a pixel; older Pillows fill up the rest for minutes.
            if image.format == "DDS" and 2 * len(raw) < image.width * image.height:
                raise Unusable("unreadable", "truncated DDS file")
            return _decode_file(image, header, fmt)
        except Unusable as problem:
            raise Unusable(problem.outcome, problem.reason, header) from None
        except Exception as error:  # Pillow raises nearly every type there is on a broken file
            raise _explain(error, image.format, header) from error


def take_turns(turn: contextlib.AbstractContextManager) -> None:
    """Let large pictures wait for another turn than this process's own."""
    global _one_large_at_a_time
    _one_large_at_a_time = turn


def read_header(raw: bytes | np.ndarray) -> Header:
    """Read size and mode without decoding pixels; see `decode` for what is raised."""
    if isinstance(raw, np.ndarray):
        return array_header(raw)
    with quiet, _opened(raw) as image:
        return _header(image)


def array_header(values: np.ndarray) -> Header:
    """Describe an array (h, w) or (h, w, c) as if it were a file."""
    bits = 1 if values.dtype == bool else 8 * values.dtype.itemsize
    return Header(values.shape[1], values.shape[0], values.dtype.name, bits, 1)


def _decode_array(
    values: np.ndarray, fmt: ImageFormat, value_range: tuple[float, float] | None
) -> tuple[np.ndarray, Header]:
    channels = values.shape[2] if values.ndim == 3 else 1
    if values.ndim not in (2, 3) or channels not in (1, 3, 4) or values.dtype.kind not in "biuf":
        raise Unusable("not an image", f"an array of shape {values.shape} and {values.dtype.name}")
    header = array_header(values)
    if values.size == 0:
        raise Unusable("empty", "an array without pixels", header)
    if header.width * header.height > MAX_PIXELS:
        raise Unusable("too large", f"more than {MAX_PIXELS:,} pixels", header)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Unusable("unreadable", "holds NaN or infinite values", header)
    eight = array_to_bytes(values.reshape(*values.shape[:2], channels), value_range)
    eight = np.ascontiguousarray(set_channels(eight, fmt.channels))
    flat = eight[..., 0] if fmt.channels == 1 else eight
    return _fit(Image.fromarray(flat), fmt, header), header


def _decode_file(image: Image.Image, header: Header, fmt: ImageFormat) -> tuple[np.ndarray, Header]:
    jpeg = image.format in ("JPEG", "MPO")
    if jpeg:
        _shrink_on_load(image, header, fmt)
    large = image.width * image.height > _MANY_PIXELS
    with _one_large_at_a_time if large else contextlib.nullcontext():
        image.load()
        image = _upright(image)
        if not jpeg:  # PNG tells its orientation only once loaded, ICNS its size
            header = replace(header, width=image.width, height=image.height)
        eight = eight_bits(image, header.bit_depth, fmt.deep)
        return _fit(eight.convert("L" if fmt.channels == 1 else "RGB"), fmt, header), header


def _shrink_on_load(image: Image.Image, header: Header, fmt: ImageFormat) -> None:
    inner = _inner_size(header.width, header.height, fmt)
    width, height = (math.ceil(_SPARE * side) for side in inner)
    size = (height, width) if header.orientation >= 5 else (width, height)
    luma = fmt.channels == 1 and image.mode == "RGB"
    image.draft("L" if luma else image.mode, size)


def _upright(image: Image.Image) -> Image.Image:
    # Asked after loading: Pillow has turned TIFF by then, and has read all of a PNG.
    orientation = _orientation(image)
    return image.transpose(_TURNS[orientation]) if orientation > 1 else image


def inner_boxes(widths: np.ndarray, heights: np.ndarray, fmt: ImageFormat) -> np.ndarray:
    """Return where in the format's frame pictures lie, without the border around them.

    Parameters
    ----------
    widths, heights : ndarray of int, shape (n,)
        Of the pictures themselves, as shown.
    fmt : ImageFormat

    Returns
    -------
    ndarray of int, shape (n, 4)
        Top, left, height, width.
    """
    sizes = [_inner_size(int(w), int(h), fmt) for w, h in zip(widths, heights, strict=True)]
    places = [((fmt.height - h) // 2, (fmt.width - w) // 2, h, w) for w, h in sizes]
    return np.array(places, np.int64).reshape(-1, 4)


def _inner_size(width: float, height: float, fmt: ImageFormat) -> tuple[int, int]:
    """(width, height) of a picture inside the format's frame."""
    share = min(fmt.width / width, fmt.height / height)
    width, height = width * share, height * share
    # Less than a pixel of border is rounding, not a different aspect ratio.
    inner_width = fmt.width if fmt.width - width < 1 else max(1, round(width))
    inner_height = fmt.height if fmt.height - height < 1 else max(1, round(height))
    return inner_width, inner_height


def _fit(image: Image.Image, fmt: ImageFormat, header: Header) -> np.ndarray:
    width, height = _inner_size(header.width, header.height, fmt)
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=2.0)
    inner = np.asarray(image).reshape(height, width, fmt.channels)
    if (height, width) == (fmt.height, fmt.width):
        return inner
    framed = np.empty((fmt.height, fmt.width, fmt.channels), np.uint8)
    framed[:] = _edge_colour(inner)
    top, left = (fmt.height - height) // 2, (fmt.width - width) // 2
    framed[top : top + height, left : left + width] = inner
    return framed


def _edge_colour(inner: np.ndarray) -> np.ndarray:
    """Return the median of the edge; by hand, as numpy's takes a tenth of the time of decoding."""
    edge = np.concatenate([inner[0], inner[-1], inner[1:-1, 0], inner[1:-1, -1]])
    edge.sort(axis=0)
    low, high = edge[(len(edge) - 1) // 2], edge[len(edge) // 2]
    return ((low.astype(np.uint16) + high) // 2).astype(np.uint8)


@contextlib.contextmanager
def _opened(raw: bytes) -> Iterator[Image.Image]:
    if not raw:
        raise Unusable("empty", "0 bytes")
    if is_dicom(raw):
        yield open_dicom(raw)
        return
    if is_heic(raw):
        teach_pillow()
    too_large = f"more than {MAX_PIXELS:,} pixels"
    try:
        image = Image.open(io.BytesIO(raw), formats=_formats())
    except Image.DecompressionBombError:
        raise Unusable("too large", too_large) from None
    except UnidentifiedImageError:
        raise explain_unknown(raw) from None
    except Exception as error:
        raise _explain(error, picture_kind(raw), None) from error
    with contextlib.closing(image):
        if image.width * image.height > MAX_PIXELS:
            raise Unusable("too large", too_large, _header(image))
        if 0 in image.size:
            raise Unusable("empty", "a picture without pixels")
        yield image


def _formats() -> list[str]:
    Image.init()
    return [name for name in FORMATS if name in Image.OPEN]


def _header(image: Image.Image) -> Header:
    if isinstance(known := image.info.get(HEADER), Header):
        return known
    asks_no_pixels = image.format != "PNG" or "exif" in image.info
    orientation = _orientation(image) if asks_no_pixels else 1
    width, height = image.size
    if orientation >= 5 and image.format != "TIFF":  # Pillow gives TIFF's size as shown
        width, height = height, width
    return Header(width, height, image.mode, _bit_depth(image), orientation, _more_pages(image))


def _more_pages(image: Image.Image) -> bool:
    # Where the next page begins; to count them could take long, or meet a broken one.
    if isinstance(image, TiffImageFile):
        return bool(image.tag_v2.next)
    try:
        return image.format in _ANIMATED and bool(getattr(image, "is_animated", False))
    except Exception:  # the first may be whole where the next is broken
        return False


def _orientation(image: Image.Image) -> int:
    try:
        value = image.getexif().get(0x0112, 1)
    except Exception:  # a picture with broken EXIF is still a picture
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _bit_depth(image: Image.Image) -> int:
    usual = {"1": 1, "I": 32, "F": 32}.get(image.mode, 16 if image.mode.startswith("I;") else 8)
    tile = getattr(image, "tile", None)
    arguments = tile[0][3] if tile else None
    raw_mode = arguments[0] if isinstance(arguments, tuple) and arguments else arguments
    _, _, suffix = raw_mode.partition(";") if isinstance(raw_mode, str) else ("", "", "")
    digits = suffix.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    return int(digits) if digits.isdecimal() and int(digits) > 0 else usual


def _explain(error: Exception, kind: str | None, header: Header | None) -> Unusable:
    file = f"{kind} file" if kind else "file"
    if isinstance(error, MemoryError):
        return Unusable("too large", "needs more memory than there is", header)
    if isinstance(error, Image.DecompressionBombError):
        return Unusable("too large", f"more than {MAX_PIXELS:,} pixels", header)
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return Unusable("unreadable", f"truncated {file}", header)
    return Unusable("unreadable", f"broken {file}", header)
