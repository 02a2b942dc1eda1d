"""The label page under attack: hostile names by the hundred, and addresses that lead outside."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect
from starlette.testclient import TestClient

from pictree.label.app import label_app
from pictree.label.session import Session
from pictree.label.static import write_static
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from pictree.store import Run
from tests.label.browsing import chromium, open_tab, served, watch
from tests.label.payloads import payloads

COUNT, GROUPS = 200, 40
NAME_GROUPS = """async (names) => {
  let state = await (await fetch("api/state")).json();
  const keys = state.groups.map((group) => group.key).sort((a, b) => a - b);
  for (const [i, name] of names.entries()) {
    const body = { revision: state.revision, kind: "label", body: { group: keys[i], name } };
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch("api/act", { method: "POST", headers, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) throw new Error(said.error);
    state = said.state;
  }
}"""
SHOWN = "[...document.querySelectorAll('.group .name')].map((name) => name.textContent)"
INJECTED = """document.querySelectorAll(
  "[src=x], [onerror], [onload], [onfocus], iframe, object, embed, base, " +
  "meta[http-equiv=refresh], script[src*=data], link[href*=evil]").length"""
"""What a payload would have made of itself; the page refreshes and frames nothing."""

HOST, TOKEN = "127.0.0.1:8400", "this-start's-token"


def as_file(payload: str) -> str:
    """Return a payload as part of a path: slashes make folders, NUL can't be."""
    return payload.replace("//", "/_/").strip("/") + ".png"


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """A run of pictures named by payloads, in as many groups, named by payloads."""
    folder = tmp_path_factory.mktemp("attacked")
    for payload, image in zip(payloads(COUNT), digits[0], strict=False):
        file = folder / "pictures" / as_file(payload)
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(file)
    recipe = change(load_recipe("quick"), **{"maps.methods": ["pca"], "clustering.k": str(GROUPS)})
    fit(str(folder / "pictures"), folder / "run", recipe=recipe)
    return folder / "run"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.mark.parametrize("count", [GROUPS, pytest.param(COUNT, marks=pytest.mark.slow)])
def test_hostile_names_are_text_on_the_page(
    browser: Browser, attacked: Path, tmp_path: Path, count: int
) -> None:
    hostile = [name for name in payloads(COUNT + 8) if name.isprintable()][:count]
    assert len(set(hostile)) == count
    shutil.copytree(attacked, tmp_path / "run")
    with served(tmp_path / "run") as address:
        tab = open_tab(browser, address)
        tab.on("dialog", lambda dialog: tab.complaints.append("alert") or dialog.dismiss())
        for start in range(0, count, GROUPS):
            names = hostile[start : start + GROUPS]
            tab.evaluate(NAME_GROUPS, names)
            tab.reload()
            tab.wait_for_selector("body.ready .tile")
            assert sorted(tab.evaluate(SHOWN)) == sorted(names)
            assert tab.evaluate(INJECTED) == 0
        here = address.split("?")[0]
        assert tab.complaints == []
        assert [url for url in tab.requests if not url.startswith(here)] == []


def test_two_hundred_hostile_files_are_text_on_the_pages(
    browser: Browser, attacked: Path, tmp_path: Path
) -> None:
    """The pages that are one file hold every path in themselves."""
    write_static(attacked, tmp_path / "page.html")
    expected = sorted(map(as_file, payloads(COUNT)))
    assert sorted(Run.open(attacked).inventory()["path"]) == expected
    for file in (tmp_path / "page.html", attacked / "report.html"):
        tab = browser.new_context(offline=True).new_page()
        watch(tab)
        tab.on("dialog", lambda dialog, t=tab: t.complaints.append("alert") or dialog.dismiss())
        tab.goto(file.as_uri())
        tab.wait_for_load_state()
        if file.name == "page.html":
            tab.wait_for_selector("body.ready .tile")
            tab.locator("#gallery").focus()
            tab.keyboard.press("o")
            expect(tab.locator("#look .path")).not_to_have_text("…")
            assert tab.locator("#look .path").text_content() in expected
        assert tab.evaluate(INJECTED) == 0
        assert tab.complaints == []
        assert [
            url for url in tab.requests if not url.startswith(("file:", "data:", "blob:"))
        ] == []


# addresses that lead outside

UP = ["..", "%2e%2e", ".%2e", "%2e.", "%252e%252e", "..;", "%c0%ae%c0%ae", "%u002e%u002e", "..%00"]
BETWEEN = ["/", "%2f", "%252f", "\\", "%5c", "%255c", "//", "%c0%af", "/./", "%2f%2f"]
STARTS = ["/page/", "/image/", "/", "/api/group/", "/page/x/", "/sheet/"]
WANTED = ["run.json", "etc/passwd", "labels.db"]


def test_five_hundred_ways_up_lead_nowhere(attacked: Path) -> None:
    ways = [
        start + between.join([up] * (1 + number % 5)) + between + WANTED[number % len(WANTED)]
        for number, (start, up, between) in enumerate(product(STARTS, UP, BETWEEN))
    ]
    assert len(set(ways)) == 540
    session = Session(Run.open(attacked))
    app = label_app(session, hosts=[HOST], token=TOKEN, cookie="pictree-8400")
    secrets = [b"root:", b'"format"', b"SQLite format"]
    with TestClient(app, base_url=f"http://{HOST}") as person:
        for way in ways:
            answer = person.get(raw(way), headers={"x-pictree-token": TOKEN})
            assert answer.status_code in (403, 404), way
            assert not any(secret in answer.content for secret in secrets), way
    session.close()


def raw(way: str) -> httpx.URL:
    """Return an address as it stands, without the tidying that clients do."""
    return httpx.URL(f"http://{HOST}/").copy_with(raw_path=way.encode())
