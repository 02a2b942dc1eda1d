"""What a request may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The most that one request may ask for, and the server takes on.

    Attributes
    ----------
    megabytes : int
        Of a request's body.
    images : int
        In one request.
    megapixels : int
        Of one picture, by its header; it is not decoded above that.
    seconds : float
        For a request, from its first byte to the answer.
    waiting : int
        Requests whose pictures have come and are being answered at a time, and as many of the
        largest bodies that may be on their way; what goes beyond is told to come again.
    neighbors : int
        Nearest images in the answer of ``/similar``.
    """

    megabytes: int = 16
    images: int = 64
    megapixels: int = 50
    seconds: float = 30
    waiting: int = 32
    neighbors: int = 100

    @property
    def body(self) -> int:
        """Bytes of a request's body."""
        return self.megabytes * 1_000_000
