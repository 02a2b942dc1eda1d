"""HEIC and HEIF, by the package pi-heif: libheif and libde265, which decode and can't encode.

It is an extra because these two libraries, which its wheel holds, are under the LGPL.
"""

from __future__ import annotations

import functools

from pictree.errors import MissingExtraError
from pictree.images.extras import install_line, need
from pictree.images.outcome import Unusable

_BRANDS = (b"heic", b"heix", b"mif1", b"msf1", b"heim", b"heis", b"hevc", b"hevx")


def is_heic(raw: bytes) -> bool:
    """Tell whether bytes begin as HEIC or HEIF does; AVIF, which Pillow reads, is neither."""
    return raw[4:8] == b"ftyp" and raw[8:12] in _BRANDS and b"avif" not in raw[8:64]


@functools.cache
def teach_pillow() -> None:
    """Let Pillow open HEIC from now on.

    Raises
    ------
    Unusable
        If pi-heif is absent.
    """
    try:
        need("pi_heif", "HEIC").register_heif_opener(thumbnails=False)
    except MissingExtraError:
        raise Unusable("not an image", f"HEIC needs pi-heif. {install_line('pi_heif')}") from None
