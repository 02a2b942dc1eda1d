"""A finished run of 600 packaged digits, and its page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_pages import Page, read_page
from report_runs import SCRIPT_NAME, TURNED_NAME, build_run

from pictree.store import Run

EXTRA = [
    {"path": SCRIPT_NAME, "outcome": "unreadable", "reason": "truncated at byte 12"},
    {"path": TURNED_NAME, "outcome": "unreadable", "reason": "0 rows"},
    {"path": "nothing.png", "outcome": "empty", "reason": "0 bytes"},
    {"path": "copies/<b>3</b>.png", "outcome": "duplicate", "reason": "", "duplicate_of": 3},
]


@pytest.fixture(scope="session")
def small_digits(digits: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, list[str | None]]:
    """Return 600 digits, uint8 (600, 28, 28, 1), and their known labels."""
    return digits[0][:600, ..., None], [str(label) for label in digits[1][:600]]


@pytest.fixture(scope="session")
def digit_run(tmp_path_factory: pytest.TempPathFactory, small_digits) -> Run:
    folder: Path = tmp_path_factory.mktemp("digits") / "run"
    maps = ("pca", "tsne")
    return build_run(folder, *small_digits, extra=EXTRA, maps=maps)


@pytest.fixture(scope="session")
def page(digit_run: Run) -> Page:
    return read_page(digit_run)
