"""The page in a real browser, opened as a file with the network cut."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from live_runs import ARGUMENTS, chromium, open_page
from playwright.sync_api import Browser, expect, sync_playwright
from report_pages import Page
from report_runs import build_run, chain_tree

from pictree.report.page import write_report
from pictree.store import Run


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=chromium(), args=[*ARGUMENTS, "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1366])
def test_opens_offline_without_complaint_and_fits(
    browser: Browser, page: Page, digit_run: Run, width: int, scheme: str
) -> None:
    tab = open_page(browser, digit_run, width, scheme)
    assert tab.complaints == []
    outside = [url for url in tab.requests if not url.startswith(("file:", "data:"))]
    assert outside == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    broken = "[...document.images].filter(i => !(i.complete && i.naturalWidth)).length"
    assert tab.evaluate(broken) == 0
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(246, 247, 248)", "dark": "rgb(18, 21, 25)"}[scheme]


@pytest.fixture(scope="module")
def tree_run(tmp_path_factory: pytest.TempPathFactory, small_digits) -> Run:
    """A chain of 36 tips, the widest drawing that there is, of a run that still goes on."""
    folder = tmp_path_factory.mktemp("tree") / "run"
    tree = chain_tree(600, 60)
    run = build_run(folder, small_digits[0], tree=tree, k=40, maps=(), waiting=("maps",))
    write_report(run)
    return run


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1200])
def test_the_tree_scrolls_inside_its_own_box(
    browser: Browser, tree_run: Run, width: int, scheme: str
) -> None:
    tab = open_page(browser, tree_run, width, scheme, java_script_enabled=False)
    assert tab.complaints == []
    context = open_page(browser, tree_run, width, scheme)
    assert context.evaluate("document.documentElement.scrollWidth") <= width
    box = context.locator("#tree .scroll")
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    assert box.evaluate("e => { e.scrollLeft = 1e6; return e.scrollLeft }") > 0
    seen = "Promise.all([...document.querySelectorAll('svg image')].map(i => i.decode()))"
    context.evaluate(seen)  # raises where a picture can't be shown


def test_nothing_of_the_tree_is_cut_off_or_covered(browser: Browser, tree_run: Run) -> None:
    """Every picture, name and figure is inside the drawing, and no two cover each other."""
    tab = open_page(browser, tree_run, 1200)
    parts = tab.evaluate(
        """() => [...document.querySelectorAll('.tree image, .tree text')]
        .map((e) => e.getBBox()).map((b) => [b.x, b.y, b.x + b.width, b.y + b.height])"""
    )
    x, y, width, height = map(float, tab.locator(".tree").get_attribute("viewBox").split())
    assert len(parts) > 200
    assert all(x <= a and y <= b and c <= x + width and d <= y + height for a, b, c, d in parts)
    # A line of text is higher than its letters.
    around = np.add(parts, [1, 1.5, -1, -1.5])
    low, high = around[:, None, :2], around[None, :, 2:]
    covers = (low < high).all(2)
    assert (covers & covers.T).sum() == len(parts)  # each one itself


def test_the_first_report_is_told_apart(browser: Browser, tree_run: Run) -> None:
    tab = open_page(browser, tree_run, 390)
    said = tab.locator("header .waiting")
    expect(said).to_be_visible()
    expect(said).to_contain_text(
        "First report: the maps are still to be drawn;", use_inner_text=True
    )
    assert tab.evaluate(CONTRAST) == []


def test_other_cuts_open_when_the_tree_leads_to_them(
    browser: Browser, small_digits, tmp_path: Path
) -> None:
    cuts = [{"k": k, "score": 0.5, "reason": "agree"} for k in (8, 5)]
    run = build_run(
        tmp_path / "run", small_digits[0], tree=chain_tree(600, 30), k=8, maps=(),
        metrics={"k_shortlist": cuts},
    )  # fmt: skip
    write_report(run)
    tab = open_page(browser, run, 1200)
    expect(tab.get_by_text("pictree cut RUN --k 5")).to_be_hidden()
    tab.get_by_role("link", name="other good cuts").click()
    expect(tab.get_by_text("pictree cut RUN --k 5")).to_be_visible()


def test_long_names_do_not_widen_the_page(browser: Browser, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (150, 4, 16, 3), np.uint8)
    extra = [{"path": "y" * 300, "outcome": "empty", "reason": "z" * 300}]
    run = build_run(
        tmp_path / "run",
        pixels,
        ["x" * 200, "kind"] * 75,
        labels=np.arange(150, dtype=np.int32),
        paths=[f"{i}" + "w" * 300 for i in range(150)],
        extra=extra,
        info={"command": "v" * 500},
    )
    write_report(run)
    tab = open_page(browser, run, 390)
    assert tab.complaints == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390


CONTRAST = """() => {
  const light = ([r, g, b]) => [r, g, b]
    .map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const ground = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const poor = [];
  for (const element of document.querySelectorAll("main *, header *, footer *")) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || element instanceof SVGElement) continue;
    const pair = [numbers(getComputedStyle(element).color), ground(element)].map(light);
    const ratio = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (ratio < 4.5) poor.push(`${element.tagName}: ${ratio.toFixed(2)}`);
  }
  return poor;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_enough_contrast(
    browser: Browser, page: Page, digit_run: Run, scheme: str
) -> None:
    assert open_page(browser, digit_run, 1366, scheme).evaluate(CONTRAST) == []


def test_without_scripts_all_maps_stand_below_each_other(
    browser: Browser, page: Page, digit_run: Run
) -> None:
    tab = open_page(browser, digit_run, 390, java_script_enabled=False)
    expect(tab.locator("#map-pca")).to_be_visible()
    expect(tab.locator("#map-tsne")).to_be_visible()


def test_on_paper_all_maps_are_there(browser: Browser, page: Page, digit_run: Run) -> None:
    tab = open_page(browser, digit_run, 1366)
    tab.emulate_media(media="print")
    expect(tab.locator("#map-pca")).to_be_visible()
    expect(tab.locator("#map-tsne")).to_be_visible()
    expect(tab.locator("nav")).to_be_hidden()
