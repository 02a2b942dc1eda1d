"""The page in a real browser: opened as a file, offline, every complaint and request kept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import Page as Tab
from report_runs import build_run

from pictree.clustering.instant import instant_tree
from pictree.clustering.tree import ClusterTree
from pictree.report.page import write_report
from pictree.store import Run

expect.set_options(timeout=60_000)  # a busy machine is no fault

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ["--no-sandbox", "--disable-background-networking"]
ODD_NAMES = [
    "<script>document.title='ran'</script>.png",
    'say "hello", please.png',
    "two\nlines.png",
    "turned\u202egnp.exe",
    "=1+1.png",
    "Ünïcode 日本.png",
]


def chromium() -> str:
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.fail("these tests need Chromium: apt-get install chromium", pytrace=False)
    return found


def open_page(browser: Browser, run: Run, width: int, scheme: str = "light", **options: Any) -> Tab:
    """Open the report offline; every complaint and every request is kept on the tab."""
    context = browser.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, **options
    )
    tab = context.new_page()
    tab.complaints, tab.requests = [], []
    tab.on("console", lambda message: tab.complaints.append(message.text))
    tab.on("pageerror", lambda error: tab.complaints.append(str(error)))
    tab.on("request", lambda request: tab.requests.append(request.url))
    tab.goto((run.path / "report.html").as_uri())
    if options.get("java_script_enabled", True):
        tab.wait_for_selector("html[data-ready]")
    return tab


def outside(tab: Tab) -> list[str]:
    """Requests that could have left the machine."""
    return [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))]


def live_run(folder: Path, pixels: np.ndarray, known: list[str | None]) -> tuple[Run, ClusterTree]:
    """600 digits in a tree, with two maps, confidence, and names of every odd kind."""
    tree = instant_tree(pixels.reshape(len(pixels), -1), k=8).tree
    paths = [f"digits/{i:05d}.png" for i in range(len(pixels))]
    paths[10 : 10 + len(ODD_NAMES)] = [f"odd/{name}" for name in ODD_NAMES]
    extra = [
        {"path": "copy.png", "outcome": "duplicate", "reason": "", "duplicate_of": 3},
        {"path": 'a "b",\nc.png', "outcome": "empty", "reason": "0 bytes"},
    ]
    shortlist = [
        {"k": k, "score": 0.5, "reason": f"agreement 0.{k}0", "agreement": k / 10} for k in (8, 5)
    ]
    run = build_run(
        folder, pixels, known, tree=tree, k=8, maps=("tsne", "pca"), paths=paths, extra=extra,
        metrics={"method": "tree", "k_shortlist": shortlist},
    )  # fmt: skip
    confidence = np.linspace(0, 1, len(pixels), dtype=np.float32)
    arrays = {"rows": np.arange(len(pixels)), "confidence": confidence}
    run.write_arrays("tree.npz", tree.to_arrays() | arrays)
    write_report(run)
    return run, tree
