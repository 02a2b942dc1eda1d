"""Pages of TIFFs, each as a file of its own: what a child process does for `StackSource`."""

from __future__ import annotations

import io

from PIL import Image

from pictree.images.outcome import MAX_PIXELS, Unusable
from pictree.images.quiet import quiet

_BROKEN = "broken page of a TIFF"


class Pages:
    """Reads pages; the file that was read last stays open, as a page is found by those before."""

    def __init__(self) -> None:
        self._path = ""
        self._image: Image.Image | None = None

    def read(self, path: str, number: int) -> bytes:
        """Return a page as a TIFF of its own, uncompressed.

        Raises
        ------
        Unusable
        """
        try:
            with quiet:
                return self._page(path, number)
        except Unusable:
            raise
        except FileNotFoundError:
            raise Unusable("unreadable", "the file is gone") from None
        except MemoryError:
            raise Unusable("too large", "needs more memory than there is") from None
        except Exception as error:  # Pillow raises nearly every type there is on a broken file
            raise Unusable("unreadable", _BROKEN) from error

    def _page(self, path: str, number: int) -> bytes:
        image, buffer = self._opened(path), io.BytesIO()
        image.seek(number)
        if image.width * image.height > MAX_PIXELS:
            raise Unusable("too large", f"more than {MAX_PIXELS:,} pixels")
        image.save(buffer, "TIFF", compression="raw")
        return buffer.getvalue()

    def _opened(self, path: str) -> Image.Image:
        if self._image is None or self._path != path:
            self.close()
            self._image, self._path = Image.open(path, formats=["TIFF"]), path
        return self._image

    def close(self) -> None:
        """Close the file that is open."""
        if self._image is not None:
            self._image.close()
            self._image = None


def count_pages(path: str) -> int:
    """Return how many pages a TIFF has; 1 where it can't be told."""
    try:
        with quiet, Image.open(path, formats=["TIFF"]) as image:
            return int(getattr(image, "n_frames", 1))
    except Exception:  # what is wrong with it, decoding it tells
        return 1
