"""An answer that is no: a status and one plain sentence, as JSON."""

from __future__ import annotations

import json

FULL = "Too many requests are being answered; send it again in a moment."


class RefusalError(Exception):
    """A request that can't be answered.

    Parameters
    ----------
    status : int
        HTTP's.
    sentence : str
        What must hold, for people.
    """

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


def error_body(sentence: str) -> bytes:
    """Return a sentence as every error is told: ``{"error": ...}``."""
    return json.dumps({"error": sentence}, ensure_ascii=False).encode()
