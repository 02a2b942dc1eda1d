"""The label page in a real browser: by keyboard, with two tabs, over restarts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from pictree.label.purity import purity_interval
from pictree.label.read import labels_of
from pictree.label.store import read_rows
from pictree.store import Run
from tests.label.browsing import chromium, figure, figure_is, open_tab, said, served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


def labels(run: Path) -> dict[str, int]:
    table = labels_of(Run.open(run))
    assert table is not None
    return dict(table.drop_nulls("label")["label"].value_counts().rows())


def kinds(run: Path) -> list[str]:
    return [row.kind for row in read_rows(run) or []]


def name_by_keyboard(tab: Page, text: str) -> int:
    """Type a name and Enter, as a person does; return how many pictures got it."""
    expect(tab.locator("#name")).to_be_focused()
    before = int(figure(tab, "labelled").replace(",", ""))
    tab.keyboard.type(text)
    tab.keyboard.press("Enter")
    said(tab, f"named “{text}”")
    return int(figure(tab, "labelled").replace(",", "")) - before


def test_label_by_keyboard_undo_reload_restart(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
        assert tab.url.endswith("/")  # the token is no longer in the address
        first = name_by_keyboard(tab, "seven")
        second = name_by_keyboard(tab, "one")
        assert labels(run_folder) == {"seven": first, "one": second}
        tab.keyboard.press("Control+z")
        said(tab, "Undone")
        assert labels(run_folder) == {"seven": first}
        tab.keyboard.press("Escape")
        tab.keyboard.press("r")
        said(tab, "Done again")
        tab.reload()
        tab.wait_for_selector("body.ready .tile")
        figure_is(tab, "decisions", "2")
        expect(tab.locator("#groups section").nth(1).locator("bdi")).to_have_text(
            ["one", "seven"], use_inner_text=True
        )
        outside = [url for url in tab.requests if "//127.0.0.1:" not in url]
        assert (tab.complaints, outside) == ([], [])
        tab.close()
    with served(run_folder) as address:
        again = open_tab(browser, address)
        figure_is(again, "labelled", f"{first + second:,}")
        again.keyboard.press("Control+z")
        said(again, "Undone")
        again.keyboard.press("Control+z")
        expect(again.locator("#figures .labelled b")).to_have_text("0")
        assert kinds(run_folder) == ["start", "label", "label", "undo", "redo", "undo", "undo"]
        assert again.complaints == []


def test_a_part_a_spot_check_and_what_it_found(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
        size = int(tab.locator(".group .size").first.evaluate("e => e.firstChild.data"))
        tab.keyboard.press("Escape")
        for _ in range(4):
            tab.keyboard.press("[")
        expect(tab.locator("#share")).to_contain_text("80 %", use_inner_text=True)
        tab.keyboard.press("c")
        tab.wait_for_selector("#spot[open] .spot")
        expect(tab.locator(".spot")).to_have_count(20)
        tab.keyboard.press("ArrowRight")
        tab.keyboard.press("Space")
        expect(tab.locator("#spot .result")).to_have_text(
            "19 of 20 right: purity 95 %, 95 % interval 75 % to 99.8 %",
            use_inner_text=True,
        )
        assert Axe().run(tab).response["violations"] == []
        tab.keyboard.press("Enter")
        said(tab, "19 of 20 right")
        part = round(0.8 * size)
        expect(tab.locator("#accept")).to_have_text(
            f"Name {part - 1} pictures", use_inner_text=True
        )
        tab.keyboard.type("x")
        tab.keyboard.press("Enter")
        said(tab, "named “x”")
        assert labels(run_folder) == {"x": part - 1}
        table = labels_of(Run.open(run_folder))
        assert table is not None
        low, high = table.drop_nulls("label").select("purity_low", "purity_high").row(0)
        assert (round(low, 3), round(high, 3)) == (0.751, 0.999)
        figure_is(tab, "error", "5 %")
        figure_is(tab, "decisions", "1")
        assert tab.complaints == []


def test_split_merge_move_take_out_and_junk(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
        tab.keyboard.press("Escape")
        tab.keyboard.press("s")
        said(tab, "Split in two")
        expect(tab.locator("#groups button")).to_have_count(11)
        tab.keyboard.press("Escape")
        tab.keyboard.press("t")
        expect(tab.locator("#groups button")).to_have_count(12)
        tab.keyboard.press("Escape")
        tab.keyboard.press("m")
        tab.wait_for_selector("#pick[open]")
        assert Axe().run(tab).response["violations"] == []
        tab.keyboard.press("ArrowDown")
        tab.keyboard.press("Enter")
        said(tab, "2 groups are one")
        tab.locator("#gallery").focus()
        tab.keyboard.press("Home")
        tab.keyboard.press("Shift+ArrowRight")
        tab.keyboard.press("Shift+ArrowRight")
        expect(tab.locator("#count")).to_have_text("3 selected", use_inner_text=True)
        tab.keyboard.press("k")
        said(tab, "3 pictures taken out")
        tab.locator("#gallery").focus()
        tab.keyboard.press("Space")
        tab.keyboard.press("x")
        said(tab, "1 picture put aside")
        tab.locator("#gallery").focus()
        tab.keyboard.press("Space")
        tab.keyboard.press("v")
        tab.wait_for_selector("#pick[open]")
        tab.keyboard.press("Enter")
        said(tab, "1 picture moved")
        assert kinds(run_folder) == ["start", "split", "split", "merge", "split", "junk", "move"]
        assert tab.complaints == []


def test_lasso_and_click_select(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
        box = tab.locator("#p0").bounding_box()
        far = tab.locator("#p1").bounding_box()
        assert box is not None
        assert far is not None
        step = far["x"] - box["x"]
        x, y = box["x"] - 2, box["y"] - 2
        tab.mouse.move(x, y)
        tab.mouse.down()
        for dx, dy in [(2, 0), (2, 2), (0, 2), (0, 0)]:  # around two rows of two
            tab.mouse.move(x + dx * step, y + dy * step, steps=4)
        tab.mouse.up()
        expect(tab.locator("#count")).to_have_text("4 selected", use_inner_text=True)
        tab.locator("#p0").click()
        expect(tab.locator("#count")).to_have_text("3 selected", use_inner_text=True)
        tab.locator("#p3").click(modifiers=["Shift"])
        expect(tab.locator(".tile.on")).to_have_count(6)
        tab.keyboard.press("Escape")
        expect(tab.locator("#chosen")).to_be_hidden()


def test_the_page_computes_the_same_intervals(browser: Browser, run_folder: Path) -> None:
    pairs = [(seen, wrong) for seen in (1, 7, 20) for wrong in range(seen + 1)]
    script = """async (pairs) => {
      const { purityInterval } = await import("/page/purity.js");
      return pairs.map(([seen, wrong]) => purityInterval(seen, wrong));
    }"""
    with served(run_folder) as address:
        there = open_tab(browser, address).evaluate(script, pairs)
    assert np.allclose(there, [purity_interval(*pair) for pair in pairs], atol=1e-9)


def test_two_tabs_show_a_conflict_and_overwrite_nothing(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        one, two = open_tab(browser, address), open_tab(browser, address)
        two.evaluate("document.querySelector('#name').focus()")
        name_by_keyboard(one, "mine")
        two.keyboard.type("theirs")
        two.keyboard.press("Enter")
        said(two, "nobody else may have changed the group")
        expect(two.locator("#name")).to_have_value("theirs")
        assert list(labels(run_folder)) == ["mine"]
        expect(two.locator("#title")).to_have_text("mine", use_inner_text=True)


@pytest.mark.slow
def test_what_is_left_is_clustered_again_and_names_spread(
    browser: Browser, run_folder: Path
) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
        for text in "abcdef":
            name_by_keyboard(tab, text)
        tab.keyboard.press("Escape")
        tab.keyboard.press("a")
        said(tab, "What was left is now")
        assert (
            tab.locator("#groups section")
            .first.locator("bdi")
            .first.inner_text()
            .startswith("rest")
        )
        left = int(figure(tab, "left").replace(",", ""))
        tab.keyboard.press("Escape")
        tab.keyboard.press("p")
        expect(tab.locator("#said")).to_contain_text(re.compile("named by near|nothing|no such"))
        assert int(figure(tab, "left").replace(",", "")) <= left
        assert kinds(run_folder)[7] == "regroup"


def test_names_and_paths_are_only_ever_text(browser: Browser, hostile_run: Path) -> None:
    bad = "<img src=x onerror=alert(1)>"
    with served(hostile_run) as address:
        tab = open_tab(browser, address)
        tab.on("dialog", lambda dialog: tab.complaints.append("alert") or dialog.dismiss())
        name_by_keyboard(tab, bad)
        tab.keyboard.type("<img")
        tab.wait_for_selector("#completions li")
        expect(tab.locator("#completions bdi")).to_have_text(bad, use_inner_text=True)
        tab.keyboard.press("Escape")
        tab.locator(".group", has_text=bad).click()
        expect(tab.locator("#title")).to_have_text(bad, use_inner_text=True)
        tab.locator("#gallery").focus()
        tab.keyboard.press("o")
        expect(tab.locator("#look .path")).to_contain_text(
            re.compile(r"^<script>alert\(\d\)</&amp;'\"")
        )
        expect(tab.locator("img[src=x], script:not([src])")).to_have_count(0)
        assert tab.complaints == []


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (390, "light"),
        (1280, "dark"),
        pytest.param(390, "dark", marks=pytest.mark.slow),
        pytest.param(1280, "light", marks=pytest.mark.slow),
    ],
)
def test_accessible_and_fitting(
    browser: Browser, run_folder: Path, width: int, scheme: str
) -> None:
    with served(run_folder) as address:
        tab = open_tab(
            browser, address, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        assert Axe().run(tab).response["violations"] == []
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        tab.locator("#name").fill("cat")
        tab.locator("#accept").click()
        said(tab, "named “cat”")
        tab.locator("#p0").click()
        tab.keyboard.press("?")
        tab.wait_for_selector("#keys[open]")
        assert Axe().run(tab).response["violations"] == []
        tab.keyboard.press("Escape")
        assert Axe().run(tab).response["violations"] == []
        assert tab.complaints == []


def test_a_server_that_ended_is_said(browser: Browser, run_folder: Path) -> None:
    with served(run_folder) as address:
        tab = open_tab(browser, address)
    tab.keyboard.type("lost")
    tab.keyboard.press("Enter")
    said(tab, "The server does not answer. Run pictree label again: nothing is lost.")
    expect(tab.locator("#name")).to_have_value("lost")
