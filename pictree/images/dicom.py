"""DICOM to an 8-bit picture, as a viewer shows it: window, photometric interpretation, padding.

The first frame; `pictree.images.dicom_frames` has the others. Stored values become real ones
(modality look-up table or rescale slope and intercept), then grey by the first window or look-up
table of the file, or by the values' range where it has none (DICOM PS3.3 C.11). MONOCHROME1 is
inverted, palettes are looked up, YBR becomes RGB; padding is black.
"""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

from pictree.errors import MissingExtraError
from pictree.images.extras import install_line, need
from pictree.images.outcome import MAX_PIXELS, Header, Unusable

HEADER = "pictree_header"
"""Where the picture's ``info`` keeps what the file's header says."""
HEAD = 132
"""Bytes by which a DICOM file is known."""
_MAGIC = b"DICM"
_OWN_VALUES = ("PixelValueTransformationSequence", "FrameVOILUTSequence")


def is_dicom(raw: bytes) -> bool:
    """Tell whether bytes begin as a DICOM file does: 128 of any value, then DICM."""
    return raw[HEAD - len(_MAGIC) : HEAD] == _MAGIC


def open_dicom(raw: bytes) -> Image.Image:
    """Return the picture of a DICOM file, mode L or RGB; its header is in its ``info``.

    Raises
    ------
    Unusable
        If pydicom is absent, or the file has no picture that can be decoded.
    """
    try:
        pydicom = need("pydicom", "a DICOM file")
        pixels = need("pydicom.pixels", "a DICOM file")
    except MissingExtraError:
        reason = f"DICOM needs pydicom. {install_line('pydicom')}"
        raise Unusable("not an image", reason) from None
    data = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            data = with_own_values(pydicom.dcmread(io.BytesIO(raw)), 0)
            header = _header(data)
            image = Image.fromarray(_shown(data, pixels))
        except Unusable:
            raise
        except Exception as error:  # pydicom raises nearly every type there is on a broken file
            raise _explain(data, error) from error
    image.info[HEADER] = header
    return image


def with_own_values(data: Any, frame: int) -> Any:
    """Set a data set's rescaling and window to those of one frame, where frames have their own.

    Enhanced files keep them in functional groups, shared by all frames or of each (DICOM PS3.3
    C.7.6.16).
    """
    shared = list(data.get("SharedFunctionalGroupsSequence", None) or [])[:1]
    each = list(data.get("PerFrameFunctionalGroupsSequence", None) or [])[frame : frame + 1]
    for group in shared + each:
        for name in _OWN_VALUES:
            for element in (group.get(name, None) or [[]])[0]:
                data[element.tag] = element
    return data


def _header(data: Any) -> Header:
    if "Rows" not in data or not any(f"{kind}PixelData" in data for kind in ("", "Float")):
        raise Unusable("not an image", "a DICOM file without a picture")
    width, height = int(data.Columns), int(data.Rows)
    kind = str(data.PhotometricInterpretation)
    several = int(data.get("NumberOfFrames", None) or 1) > 1
    header = Header(width, height, kind, int(data.get("BitsStored", 8)), 1, several)
    if width * height > MAX_PIXELS:
        raise Unusable("too large", f"more than {MAX_PIXELS:,} pixels", header)
    if not width * height:
        raise Unusable("empty", "a picture without pixels", header)
    return header


def _shown(data: Any, pixels: Any) -> np.ndarray:
    """Return the first frame as a viewer shows it, uint8 (h, w) or (h, w, 3)."""
    stored = pixels.pixel_array(data, index=0)
    kind = str(data.PhotometricInterpretation)
    if kind == "PALETTE COLOR":
        stored = pixels.apply_color_lut(stored, data)
        return _to_bytes(stored, 0, 2 ** (8 * stored.dtype.itemsize) - 1)
    if stored.ndim == 3:
        return _to_bytes(stored, 0, 2 ** int(data.BitsStored) - 1)
    return _grey(stored, data, pixels, inverted=kind == "MONOCHROME1")


def _grey(stored: np.ndarray, data: Any, pixels: Any, *, inverted: bool) -> np.ndarray:
    padding = _padding(stored, data)
    real = np.asarray(pixels.apply_modality_lut(stored, data), np.float64)
    if "VOILUTSequence" in data:
        depth = int(data.VOILUTSequence[0].LUTDescriptor[2])
        share = pixels.apply_voi(pixels.apply_modality_lut(stored, data), data) / (2.0**depth - 1)
    elif "WindowWidth" in data and "WindowCenter" in data:
        function = str(data.get("VOILUTFunction", "LINEAR"))
        share = _window(real, _first(data.WindowCenter), _first(data.WindowWidth), function)
    else:
        shown = real[~padding] if not padding.all() else real
        share = (real - shown.min()) / max(float(np.ptp(shown)), 1e-12)
    eight = _to_bytes(np.asarray(share), 0, 1)
    eight = 255 - eight if inverted else eight
    return np.where(padding, 0, eight).astype(np.uint8)


def _first(value: Any) -> float:
    return float(value if isinstance(value, (int, float)) else value[0])


def _window(values: np.ndarray, centre: float, width: float, function: str) -> np.ndarray:
    """Map values to 0 (black) .. 1 (white) by DICOM PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.clip(-4 * (values - centre) / max(width, 1e-12), -700, 700)))
    if function == "LINEAR_EXACT":
        return (values - centre) / max(width, 1e-12) + 0.5
    return (values - (centre - 0.5)) / max(width - 1, 1e-12) + 0.5


def _padding(stored: np.ndarray, data: Any) -> np.ndarray:
    """Tell which pixels are no part of the picture (PixelPaddingValue, or a range of them)."""
    if "PixelPaddingValue" not in data:
        return np.zeros(stored.shape, bool)
    one = int(data.PixelPaddingValue)
    other = int(data.get("PixelPaddingRangeLimit", one))
    return (stored >= min(one, other)) & (stored <= max(one, other))


def _to_bytes(values: np.ndarray, low: float, high: float) -> np.ndarray:
    if values.dtype == np.uint8 and (low, high) == (0, 255):
        return values
    share = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.rint(np.clip(share, 0, 1) * 255).astype(np.uint8)


def _explain(data: Any, error: Exception) -> Unusable:
    if isinstance(error, MemoryError):
        return Unusable("too large", "needs more memory than there is")
    syntax = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
    if syntax is not None and syntax.is_compressed and isinstance(error, RuntimeError):
        return Unusable("unreadable", f"DICOM compressed as {syntax.name}")
    return Unusable("unreadable", "broken DICOM file")
