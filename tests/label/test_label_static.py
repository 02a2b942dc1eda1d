"""The page without a server: opened as a file with the network cut, saved, and taken in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from pictree.errors import UserError
from pictree.label.apply import apply_labels
from pictree.label.read import labels_of
from pictree.label.static import write_static
from pictree.label.store import read_rows
from pictree.store import Run
from tests.label.browsing import chromium, figure_is, said, watch


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def open_file(browser: Browser, file: Path, **options: Any) -> Page:
    tab = browser.new_context(offline=True, accept_downloads=True, **options).new_page()
    watch(tab)
    tab.goto(file.as_uri())
    tab.wait_for_selector("body.ready .tile")
    return tab


def save(tab: Page, to: Path) -> Path:
    with tab.expect_download() as download:
        tab.locator("#save").click()
    download.value.save_as(to)
    return to


def counts(run: Path) -> dict[str, int]:
    table = labels_of(Run.open(run))
    assert table is not None
    return dict(table.drop_nulls("label")["label"].value_counts().rows())


def shown(tab: Page) -> dict[str, int]:
    """Names and sizes, as the page lists them."""
    rows = tab.locator("#groups section", has_text="Named").locator(".group").all()
    found: dict[str, int] = {}
    for row in rows:
        name = row.locator("bdi").inner_text()
        size = int(row.locator(".size").evaluate("e => e.firstChild.data").replace(",", ""))
        found[name] = found.get(name, 0) + size
    return found


def test_what_is_done_offline_is_taken_in(
    browser: Browser, run_folder: Path, tmp_path: Path
) -> None:
    write_static(run_folder, tmp_path / "label.html")
    tab = open_file(browser, tmp_path / "label.html")
    assert Axe().run(tab).response["violations"] == []
    tab.keyboard.type("seven")
    tab.keyboard.press("Enter")
    said(tab, "named “seven”")
    tab.keyboard.press("Escape")
    tab.keyboard.press("s")
    said(tab, "Split in two")
    tab.keyboard.press("Escape")
    tab.keyboard.press("c")
    tab.wait_for_selector("#spot[open] .spot")
    tab.keyboard.press("Space")
    tab.keyboard.press("Enter")
    said(tab, "19 of 20 right")
    tab.keyboard.type("<b>one</b>")
    tab.keyboard.press("Enter")
    said(tab, "named “<b>one</b>”")
    for key, words in (("u", "Undone"), ("r", "Done again")):
        tab.keyboard.press("Escape")
        tab.keyboard.press(key)
        said(tab, words)
    tab.locator("#gallery").focus()
    tab.keyboard.press("Shift+ArrowRight")
    tab.keyboard.press("k")
    said(tab, "2 pictures taken out")
    tab.locator("#gallery").focus()
    tab.keyboard.press("Space")
    tab.keyboard.press("v")
    tab.keyboard.press("Enter")
    said(tab, "1 picture moved")
    there = shown(tab)
    found = apply_labels(run_folder, save(tab, tmp_path / "labels.json"))
    assert counts(run_folder) == there
    assert found["labelled"] == sum(there.values())
    figure_is(tab, "labelled", f"{found['labelled']:,}")
    kinds = ["start", "label", "split", "check", "label", "undo", "redo", "split", "move"]
    assert [row.kind for row in read_rows(run_folder) or []] == kinds
    assert tab.complaints == []
    assert [url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.fixture(scope="module")
def saved(
    fitted: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser
) -> tuple[Path, dict[str, Any]]:
    """A run whose page was made, and what one action on that page saved."""
    folder = tmp_path_factory.mktemp("static")
    run = Path(shutil.copytree(fitted, folder / "run"))
    write_static(run, folder / "label.html")
    tab = open_file(browser, folder / "label.html")
    tab.keyboard.type("x")
    tab.keyboard.press("Enter")
    said(tab, "named “x”")
    return run, json.loads(save(tab, folder / "labels.json").read_text())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "must be a file that a label page saved; got another file."),
        ({"run": "0" * 32}, "the labels must be of this run's pictures; got "),
        (
            {"revision": 0},
            "nothing may have been labelled in the run since the page was made; got ",
        ),
        ({"rows": {}}, "got one without rows."),
        ({"rows": [{"time": 1, "kind": "start", "body": {}}]}, "got one with other rows."),
        ({"rows": [{"time": "1", "kind": "undo", "body": {}}]}, "got one with other rows."),
        (
            {"rows": [{"time": 1, "kind": "merge", "body": {"groups": [7, 8]}}]},
            "got one whose action 1 can't be done (the group must be there; got one that is gone.",
        ),
    ],
)
def test_another_file_changes_nothing(
    saved: tuple[Path, dict[str, Any]], change: dict, message: str, tmp_path: Path
) -> None:
    """A good action before the bad one is not done either."""
    run, good = saved
    rows = change.get("rows")
    if isinstance(rows, list):
        change = {"rows": [*good["rows"], *rows]}
        message = message.replace("action 1", "action 2")
    (tmp_path / "labels.json").write_text(json.dumps({**good, **change}))
    with pytest.raises(UserError) as error:
        apply_labels(run, tmp_path / "labels.json")
    assert message in str(error.value)
    assert counts(run) == {}


def test_a_page_overwrites_nothing(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(UserError, match="the page must be a new file"):
        write_static(run_folder, tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text() == "mine"
