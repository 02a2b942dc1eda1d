"""The interactive report, driven in a real browser with the network cut."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from live_runs import ARGUMENTS, ODD_NAMES, chromium, live_run, open_page, outside
from matplotlib.path import Path as Outline
from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Page as Tab
from report_runs import build_run, chain_tree
from scipy.ndimage import binary_dilation

from pictree.clustering.tree import ClusterTree
from pictree.report.live.images import quantised
from pictree.report.page import write_report
from pictree.store import Run


@pytest.fixture(scope="module")
def launch() -> Iterator[Callable[..., Browser]]:
    with sync_playwright() as playwright:
        yield lambda *arguments: playwright.chromium.launch(
            executable_path=chromium(), args=[*ARGUMENTS, *arguments]
        )


@pytest.fixture(scope="module")
def browser(launch: Callable[..., Browser]) -> Iterator[Browser]:
    opened = launch("--disable-gpu")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, small_digits) -> tuple[Run, ClusterTree]:
    return live_run(tmp_path_factory.mktemp("live") / "run", *small_digits)


@pytest.fixture
def tab(browser: Browser, made: tuple[Run, ClusterTree]) -> Iterator[Tab]:
    opened = open_page(browser, made[0], 1280)
    yield opened
    assert opened.complaints == []
    assert outside(opened) == []
    opened.context.close()


def places(run: Run, tab: Tab) -> np.ndarray:
    """Pixels of all images on the stage, as the page's camera has them."""
    number = tab.evaluate("pictree.state.map")
    points = quantised(list(run.maps().values())[number]).astype(float) / 65535
    camera = tab.evaluate("(({x, y, scale, width, height}) => [x, y, scale, width, height])"
                          "(pictree.stage.camera)")  # fmt: skip
    x, y, scale, width, height = camera
    return np.stack(
        [(points[:, 0] - x) * scale + width / 2, (y - points[:, 1]) * scale + height / 2], axis=1
    )


def until(tab: Tab, holds: str) -> None:
    """Wait until an expression holds; Playwright's own way runs text, which the page forbids."""
    for _ in range(400):
        if tab.evaluate(f"Boolean({holds})"):
            return
        tab.wait_for_timeout(25)
    pytest.fail(f"never: {holds}")


def settle(tab: Tab) -> None:
    """Wait until nothing moves on the map."""
    until(tab, "!pictree.stage.flight && !pictree.stage.moving")


def lasso(tab: Tab, corners: list[tuple[float, float]]) -> None:
    """Draw a line through these pixels of the stage, with Shift held."""
    stage = tab.locator("#stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    tab.keyboard.down("Shift")
    first, *others = corners
    tab.mouse.move(box["x"] + first[0], box["y"] + first[1])
    tab.mouse.down()
    for x, y in others:
        tab.mouse.move(box["x"] + x, box["y"] + y)
    tab.mouse.up()
    tab.keyboard.up("Shift")


def saved(tab: Tab, press) -> tuple[str, list[dict[str, str]]]:
    """Press a button that saves; return the file's name and rows."""
    with tab.expect_download() as download:
        press()
    text = Path(download.value.path()).read_bytes().decode()
    return download.value.suggested_filename, list(csv.DictReader(io.StringIO(text, newline="")))


def test_maps_are_switched_by_a_button(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    run, _ = made
    buttons = tab.locator("#map-choice button")
    expect(buttons).to_have_text(["t-SNE", "PCA"], use_inner_text=True)
    assert (
        tab.evaluate("[...pictree.stage.places]") == quantised(run.maps()["tsne"]).ravel().tolist()
    )
    buttons.nth(1).focus()
    tab.keyboard.press("Enter")
    assert buttons.nth(1).get_attribute("aria-pressed") == "true"
    assert (
        tab.evaluate("[...pictree.stage.places]") == quantised(run.maps()["pca"]).ravel().tolist()
    )
    expect(tab.locator("[data-about=pca]")).to_be_visible()
    expect(tab.locator("[data-about=tsne]")).to_be_hidden()
    settle(tab)


def test_the_slider_cuts_as_the_tree_does(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    run, tree = made
    most = min(60, tree.n_leaves)
    expect(tab.locator("#slider")).to_have_attribute("max", str(most))
    for k in (2, 3, 5, 8, 13, most):
        tab.locator("#slider").fill(str(k))
        until(tab, f"pictree.state.k === {k}")
        got = tab.evaluate("[...pictree.colouring.groups('cluster', pictree.state.k).of]")
        assert got == tree.cut(k).tolist()
        listed = tab.locator("#legend button span").all_inner_texts()
        sizes = np.bincount(tree.cut(k))
        assert [int(size) for size in listed] == sizes.tolist()
        said = tab.locator("#cut dl").inner_text().replace("\n", " ")
        assert f"Largest {sizes.max()} Smallest {sizes.min()} Purity 0." in said
        alike = {8: "Agreement 0.90", 5: "Agreement 0.50"}  # the run's own figure, and a good cut's
        assert re.findall(r"Agreement [0-9.]+", said) == ([alike[k]] if k in alike else [])
    assert run.path.exists()


def test_the_whole_page_follows_the_keys(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    _, tree = made
    expect(tab.locator("#own-cut")).to_be_visible()
    expect(tab.locator(".command")).to_have_text("The cut of this run", use_inner_text=True)
    tab.locator("#slider").focus()
    tab.keyboard.press("ArrowLeft")
    tab.keyboard.press("ArrowLeft")
    expect(tab.locator("#other-cut article")).to_have_count(6)
    expect(tab.locator("#own-cut")).to_be_hidden()
    expect(tab.locator("#cut output")).to_have_text("6 clusters", use_inner_text=True)
    expect(tab.locator(".command")).to_have_text(
        "To keep this cut: pictree cut RUN --k 6", use_inner_text=True
    )
    sizes = np.bincount(tree.cut(6))
    heads = tab.locator("#other-cut h3").all_inner_texts()
    assert [re.match(r"Cluster (\d) (\d+) images", head).groups() for head in heads] == [
        (str(c), str(size)) for c, size in enumerate(sizes)
    ]
    names = tab.locator("svg.tree .tags .name").all_text_contents()
    assert sorted(names) == [f"Cluster {c}" for c in range(6)]
    assert re.match("Cut into 6 clusters, the tree keeps", tab.locator("#kept").inner_text())
    tab.get_by_role("group", name="Good cuts").get_by_role("button", name="8").click()
    expect(tab.locator("#own-cut")).to_be_visible()
    expect(tab.locator("#other-cut")).to_be_hidden()


def test_a_cluster_keeps_its_colour_when_another_is_split(tab: Tab, made) -> None:
    _, tree = made
    colours = {
        k: dict(
            zip(
                tree.nodes_of_cut(k).tolist(),
                tab.evaluate(f"pictree.colouring.groups('cluster', {k}).colours"),
                strict=True,
            )
        )
        for k in range(2, 20)
    }
    for k in range(2, 19):
        before, after = colours[k], colours[k + 1]
        assert all(after[node] == before[node] for node in set(before) & set(after))
        assert len(set(after.values())) == k + 1


def test_the_lasso_counts_what_lies_inside(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    run, tree = made
    corners = [(120.0, 80.0), (520.0, 60.0), (430.0, 300.0), (600.0, 420.0), (200.0, 380.0)]
    lasso(tab, corners)
    line = np.array(tab.evaluate("pictree.state.selection.line"))
    points = quantised(run.maps()["tsne"]).astype(float) / 65535
    inside = Outline(line).contains_points(points)
    assert 50 < inside.sum() < 550
    assert tab.evaluate("[...pictree.state.selection.mask]") == inside.astype(int).tolist()
    drawn = Outline(np.array(corners)).contains_points(places(run, tab))
    assert abs(int(drawn.sum()) - int(inside.sum())) <= 2  # a pixel at the line
    heading = tab.locator("#selection h3").inner_text()
    assert heading == f"{inside.sum()} images selected"
    held = np.bincount(tree.cut(8)[inside], minlength=8)
    order = sorted((c for c in range(8) if held[c]), key=lambda c: (-held[c], c))
    listed = tab.locator("#selection li").all_inner_texts()
    assert [re.match(r"Cluster (\d)\s*(\d+),", text).groups() for text in listed] == [
        (str(c), str(held[c])) for c in order
    ]
    name, rows = saved(tab, tab.get_by_role("button", name="Save CSV").first.click)
    assert name == "selection.csv"
    assert [int(row["id"]) for row in rows] == np.flatnonzero(inside).tolist()
    assert [int(row["cluster"]) for row in rows] == tree.cut(8)[inside].tolist()
    assert [row["path"] for row in rows] == run.used()["path"].filter(inside).to_list()
    tab.locator("#stage").focus()
    tab.keyboard.press("Escape")
    expect(tab.locator("#selection")).to_be_hidden()


def test_the_keys_move_the_map_and_select(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    run, _ = made
    tab.locator("#stage").focus()
    before = tab.evaluate("pictree.stage.camera.scale")
    tab.keyboard.press("+")
    settle(tab)
    assert tab.evaluate("pictree.stage.camera.scale") == pytest.approx(1.6 * before)
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("v")
    width, height = tab.evaluate("[pictree.stage.camera.width, pictree.stage.camera.height]")
    seen = places(run, tab)
    is_seen = ((seen > 0) & (seen < [width, height])).all(1)
    expect(tab.locator("#selection h3")).to_have_text(
        f"{is_seen.sum()} images selected", use_inner_text=True
    )
    expect(tab.locator("#selection .note")).to_have_text("in view", use_inner_text=True)
    tab.keyboard.press("Escape")
    tab.keyboard.press("n")
    expect(tab.locator("#image")).to_be_visible()
    tab.keyboard.press("0")
    settle(tab)
    assert tab.evaluate("pictree.stage.camera.scale") == pytest.approx(before)


def test_zooming_in_turns_points_into_pictures(tab: Tab) -> None:
    tab.evaluate("pictree.stage.visit(42)")
    settle(tab)
    until(tab, "pictree.stage.drawn.length > 0 && pictree.atlas.sheets.size > 0")
    drawn = tab.evaluate("pictree.stage.drawn")
    assert 42 in [image for image, *_ in drawn]
    boxes = np.array(drawn)[:, 1:]
    low, high = boxes[:, None, :2], boxes[None, :, :2] + boxes[None, :, 2:]
    covers = (low < high).all(2)
    assert (covers & covers.T).sum() == len(drawn)  # each one itself
    x, y = tab.evaluate("pictree.stage.pixel(42)")
    box = tab.locator("#stage").bounding_box()
    tab.mouse.move(box["x"] + x, box["y"] + y)
    expect(tab.locator("#image .path")).to_have_text("digits/00042.png")


def test_pointing_at_an_image_tells_its_facts(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    run, tree = made
    tab.locator("#stage").scroll_into_view_if_needed()
    x, y = places(run, tab)[3]
    box = tab.locator("#stage").bounding_box()
    tab.mouse.move(box["x"] + x, box["y"] + y)
    expect(tab.locator("#image")).to_be_visible()
    row = tab.evaluate("pictree.state.image")
    assert np.linalg.norm(places(run, tab)[row] - [x, y]) < 1
    facts = tab.locator("#image dl").inner_text().split("\n")
    known = run.used()["known_label"]
    bins = ["below 0.5", "0.5 to 0.6", "0.6 to 0.7"]
    confidence = row / 599
    assert facts[:4] == ["Cluster", str(tree.cut(8)[row]), "Known label", known[row]]
    assert facts[5] == bins[max(0, int(confidence * 10) - 4)]
    assert facts[7] == ("has duplicates" if row == 3 else "used for learning")


def test_search_finds_and_flies(tab: Tab) -> None:
    field = tab.get_by_role("searchbox")
    field.fill("/0004")
    expect(tab.locator("#search output")).to_have_text("10 found")
    assert tab.evaluate("pictree.state.selection.count") == 10
    field.press("Enter")
    expect(tab.locator("#image .path")).to_have_text("digits/00040.png")
    expect(tab.locator("#search output")).to_have_text("1 of 10", use_inner_text=True)
    tab.get_by_role("button", name="Next").click()
    expect(tab.locator("#image .path")).to_have_text("digits/00041.png")
    settle(tab)
    x, y = tab.evaluate("pictree.stage.pixel(41)")
    width, height = tab.evaluate("[pictree.stage.camera.width, pictree.stage.camera.height]")
    assert (x, y) == (pytest.approx(width / 2, abs=1), pytest.approx(height / 2, abs=1))
    field.fill("no such")
    expect(tab.locator("#search output")).to_have_text("0 found")
    assert tab.evaluate("pictree.state.selection") is None


@pytest.mark.parametrize("place", range(len(ODD_NAMES)))
def test_names_of_every_kind_are_text(tab: Tab, place: int) -> None:
    name = ODD_NAMES[place]
    spelled = name.replace("\n", "\\n").replace("\u202e", "\\u202e")
    tab.get_by_role("searchbox").fill(name[:3].upper())
    until(tab, "pictree.state.selection")
    tab.evaluate(f"pictree.set({{ image: {10 + place} }})")
    expect(tab.locator("#image .path")).to_have_text(f"odd/{spelled}")
    assert tab.title() != "ran"
    assert tab.evaluate(f"pictree.state.selection.mask[{10 + place}]") == 1
    tab.evaluate(
        f"""pictree.set({{ selection: {{ mask: Uint8Array.from({{ length: 600 }},
        (_, i) => i === {10 + place} ? 1 : 0), count: 1, what: "one" }} }})"""
    )
    _, rows = saved(tab, tab.locator("#selection .buttons button").first.click)
    assert [row["path"] for row in rows] == [f"odd/{name}"]


@pytest.mark.parametrize(
    ("name", "count"),
    [("reconstructions", 24), ("loss", 3), ("duplicates", 1), ("left-out", 1), ("far", None)],
)
def test_every_list_is_saved_as_csv(tab: Tab, name: str, count: int | None) -> None:
    button = tab.locator(f"button[data-csv={name}]")
    button.scroll_into_view_if_needed()
    file, rows = saved(tab, button.click)
    assert file == f"{name}.csv"
    assert len(rows) == count if count else len(rows) > 100
    if name == "left-out":
        assert rows[0]["path"] == 'a "b",\nc.png'


def test_colours_by_everything_there_is(tab: Tab) -> None:
    options = tab.locator("#colour option").all_inner_texts()
    assert options == ["Cluster", "Known label", "Confidence", "Outcome"]
    tab.locator("#colour").select_option("outcome")
    assert tab.locator("#legend button").all_inner_texts()[0].split("\n")[0] == "used for learning"
    sizes = [int(s) for s in tab.locator("#legend button span").all_inner_texts()]
    assert sizes == [599, 1]
    tab.locator("#colour").select_option("confidence")
    assert sum(int(s) for s in tab.locator("#legend button span").all_inner_texts()) == 600


def test_pointing_at_a_name_emphasises_its_group(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    labels = made[1].cut(8)
    tab.locator("#legend button").nth(2).hover()
    solid = np.array(tab.evaluate("[...pictree.stage.shades].map((s) => s >>> 24)"))
    assert (solid[labels == 2] == 255).all()
    assert (solid[labels != 2] < 50).all()
    tab.locator("#legend button").nth(2).click()
    expect(tab.locator("#selection h3")).to_have_text(
        f"{(labels == 2).sum()} images selected", use_inner_text=True
    )


def test_a_card_shows_its_cluster_on_the_map(tab: Tab, made: tuple[Run, ClusterTree]) -> None:
    tab.locator("#cluster-3").get_by_role("button", name="Show on the map").click()
    picked = tab.evaluate("[...pictree.state.selection.mask]")
    assert picked == (made[1].cut(8) == 3).astype(int).tolist()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_passes_axe_and_fits(browser: Browser, made, width: int, scheme: str) -> None:
    tab = open_page(browser, made[0], width, scheme)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    tab.locator("#slider").fill("12")
    lasso(tab, [(50.0, 50.0), (250.0, 60.0), (240.0, 300.0), (60.0, 280.0)])
    expect(tab.locator("#other-cut article")).to_have_count(12)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(tab).response["violations"] == []
    assert tab.complaints == []


PAINTED = """(() => {
  const { stage } = pictree;
  const { width, height } = stage.box.querySelector("canvas.points");
  stage.painter.draw(stage.camera, 1, 4, stage.count);
  const plain = document.createElement("canvas");
  Object.assign(plain, { width, height });
  const pen = plain.getContext("2d");
  pen.drawImage(stage.box.querySelector("canvas.points"), 0, 0);
  const { data } = pen.getImageData(0, 0, width, height);
  const solid = (i) => (data[4 * i + 3] > 60 ? 1 : 0);
  const row = (y) => Array.from({ length: width }, (_, x) => solid(y * width + x));
  return Array.from({ length: height }, (_, y) => row(y));
})()"""


def test_webgl_and_the_plain_canvas_draw_the_same(launch: Callable[..., Browser], made) -> None:
    """By software here, which the page itself does not choose."""
    browser = launch("--use-angle=swiftshader", "--enable-unsafe-swiftshader")
    tab = open_page(browser, made[0], 900)
    assert tab.evaluate("pictree.stage.painter.constructor.name") == "Splats"
    plain = np.array(tab.evaluate(PAINTED), bool)
    tab.evaluate("pictree.stage.usePoints()")
    assert tab.evaluate("pictree.stage.painter.constructor.name") == "Points"
    card = np.array(tab.evaluate(PAINTED), bool)
    tab.evaluate("pictree.stage.useSplats()")
    assert np.array_equal(np.array(tab.evaluate(PAINTED), bool), plain)
    browser.close()
    assert tab.complaints == []
    assert 2000 < plain.sum() < plain.size / 4
    assert (plain & ~binary_dilation(card, iterations=2)).sum() < 0.02 * plain.sum()
    assert (card & ~binary_dilation(plain, iterations=2)).sum() < 0.02 * card.sum()


def odd_runs(folder: Path) -> Iterator[Run]:
    """One image, equal images, noise alone, more clusters than colours, pictures not square."""
    rng = np.random.default_rng(0)

    def pixels(n: int, *shape: int) -> np.ndarray:
        return rng.integers(0, 256, (n, *shape), np.uint8)

    yield build_run(folder / "one", pixels(1, 6, 6, 3), ["a <b>cat</b>"], k=1)
    yield build_run(folder / "equal", np.full((12, 6, 6, 1), 7, np.uint8), k=1, maps=("pca",))
    yield build_run(folder / "noise", pixels(12, 1, 1, 1), labels=np.full(12, -1, np.int32))
    yield build_run(folder / "many", pixels(300, 4, 40, 3), labels=np.arange(300, dtype=np.int32))
    yield build_run(folder / "two", pixels(5, 90, 30, 1), tree=chain_tree(5, 2), k=2)
    yield build_run(folder / "three", pixels(9, 9, 9, 1), tree=chain_tree(9, 3), k=1, maps=())


def test_odd_runs_open_without_complaint(browser: Browser, tmp_path: Path) -> None:
    for run in odd_runs(tmp_path):
        write_report(run)
        tab = open_page(browser, run, 390)
        if run.maps():
            tab.locator("#stage").focus()
            for key in "+n0vl":
                tab.keyboard.press(key)
            tab.locator("#legend button, #legend .rest").first.hover()
        if tab.locator("#slider").count() and tab.locator("#slider").is_visible():
            tab.locator("#slider").fill("3")
            expect(tab.locator("#other-cut article")).to_have_count(3)
        settled = "!document.querySelector('#live-map') || !pictree.stage?.flight"
        until(tab, settled)
        assert tab.complaints == [], run.path.name
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390
        tab.context.close()
