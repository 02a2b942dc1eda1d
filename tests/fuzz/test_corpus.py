"""What fuzzing has found worth keeping is read or refused, as it was then."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.targets import TARGETS, feed

CORPUS = Path(__file__).parent / "corpus"


@pytest.mark.parametrize("target", TARGETS)
def test_the_kept_corpus_is_read_or_refused(target: str) -> None:
    files = sorted((CORPUS / target).iterdir())
    assert len(files) >= 10
    for file in files:
        feed(target, file.read_bytes())
