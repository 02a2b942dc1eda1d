"""`Run` in a notebook: self-contained, escaped, and looked at in a browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pictree import Run
from pictree.label.session import Session
from tests.label.browsing import chromium
from tests.label.conftest import hostile_run

__all__ = ["hostile_run"]


def test_it_shows_pictures_and_figures(small_run: Path) -> None:
    run = Run.open(small_run)
    html = run._repr_html_()
    assert "599 images in 10 clusters" in html
    assert html.count("<img src='data:image/") == 10
    assert "Matched accuracy <b>0." in html
    assert repr(run) == f"Run('{small_run}')"


def test_it_needs_nothing_beside_it(small_run: Path) -> None:
    html = Run.open(small_run)._repr_html_()
    assert "http" not in html
    assert not re.search(r"<(script|link|style|iframe)", html)
    sources = re.findall(r"src='([^']{0,11})", html)
    assert set(sources) == {"data:image/"}


def test_names_are_text(hostile_run: Path) -> None:
    session = Session(Run.open(hostile_run))
    group = next(iter(session.history.state.groups))
    label = "<img src=x onerror='alert(1)'>"
    session.act("label", {"group": group, "name": label}, session.revision)
    session.close()
    html = Run.open(hostile_run)._repr_html_()
    assert "<script>" not in html
    assert "<img src=x" not in html
    assert "&lt;img src=x onerror=&#x27;alert(1)&#x27;&gt;" in html


def test_an_unfinished_or_damaged_run_is_a_sentence(small_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(small_run, tmp_path / "run"))
    (folder / "codes" / "00000.npy").unlink()
    html = Run.open(folder)._repr_html_()
    assert html.startswith(f"<p>Run(&#x27;{folder}&#x27;): The run must have its codes")
    (folder / "metrics.json").unlink()
    run = Run.open(folder)
    run.update(stages={"stock": {"state": "running", "seconds": 0.0}})
    assert "First report: reading the pictures is still to come" in run._repr_html_()


def test_it_fits_a_phone_and_a_laptop(small_run: Path, tmp_path: Path) -> None:
    page = tmp_path / "notebook.html"
    head = "<!doctype html><meta charset=utf-8><meta name=viewport content='width=device-width'>"
    page.write_text(head + Run.open(small_run)._repr_html_(), encoding="utf-8")
    with chromium() as browser:
        for width in (390, 1280):
            tab = browser.new_page(viewport={"width": width, "height": 800})
            tab.goto(page.as_uri())
            shown = "[...document.images].every(i => i.complete && i.naturalWidth > 0)"
            tab.wait_for_function(shown)
            wide = tab.evaluate("document.documentElement.scrollWidth")
            assert wide <= width
            tab.close()
