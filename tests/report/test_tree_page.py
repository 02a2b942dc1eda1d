"""The tree on the page, the other cuts, and the first report of a run that goes on."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from report_pages import Page, read_page
from report_runs import build_run, chain_tree

from pictree.clustering.instant import instant_tree
from pictree.clustering.tree import ClusterTree
from pictree.report.page import write_report
from pictree.store import Run

SHORTLIST = [
    {"k": 8, "score": 0.5, "reason": "12 runs agree 80%"},
    {"k": 3, "score": 0.4, "reason": "12 runs agree 70%"},
    {"k": 4000, "score": 0.1, "reason": "more than there are leaves"},
]


@pytest.fixture(scope="module")
def tree(small_digits) -> ClusterTree:
    return instant_tree(small_digits[0].reshape(600, -1), k=8).tree


@pytest.fixture(scope="module")
def tree_run(tmp_path_factory: pytest.TempPathFactory, small_digits, tree: ClusterTree) -> Run:
    folder = tmp_path_factory.mktemp("tree") / "run"
    metrics = {"method": "tree", "k_shortlist": SHORTLIST}
    return build_run(folder, *small_digits, tree=tree, k=8, maps=(), metrics=metrics)


@pytest.fixture(scope="module")
def tree_page(tree_run: Run) -> Page:
    return read_page(tree_run)


def drawing(page: Page) -> list[dict[str, str | None]]:
    """Attributes of the branches."""
    return [g for g in page.all("g") if g.get("aria-label")]


def test_says_what_is_drawn(tree_page: Page, tree: ClusterTree) -> None:
    share = tree.losses[-7:].sum() / tree.losses.sum()
    assert (
        f"600 images in {tree.n_leaves} leaves, and the last 23 merges of these. Cut into "
        f"8 clusters, the tree keeps {100 * share:.0f} % of what its leaves tell about neighbours."
    ) in tree_page.text
    assert tree_page.all("a", href="#tree")
    assert len(drawing(tree_page)) == 24 + 23


def test_every_branch_has_pictures_and_says_what_it_is(tree_page: Page, tree: ClusterTree) -> None:
    pictures = tree_page.all("image")
    assert all(re.fullmatch(r"digits/\d{5}\.png", p["aria-label"]) for p in pictures)
    assert all(re.match("data:image/(png|webp);base64,", p["href"]) for p in pictures)
    inside = "".join(tag[0] for tag, _ in tree_page.elements if tag in ("g", "image"))
    assert re.fullmatch("(gi{1,6}){47}g", inside)
    root = drawing(tree_page)[0]["aria-label"]
    loss = tree.losses[-1]
    assert root == (
        f"600 images; merging the two parts loses {loss:.3f} nats, "
        f"{100 * loss / tree.losses.sum():.0f}\u00a0%"
    )
    of_cluster_3 = [g for g in drawing(tree_page) if g["aria-label"].startswith("Cluster 3: ")]
    sizes = [int(re.search(r": ([\d,]+) image", g["aria-label"])[1]) for g in of_cluster_3]
    assert max(sizes) == np.bincount(tree.cut(8))[3]


def test_clusters_are_marked_in_their_colours_and_linked(tree_page: Page) -> None:
    from pictree.report.palette import colours

    drawn = {p["stroke"] for p in tree_page.all("path") if "stroke" in p}
    assert drawn == set(colours(8))
    for cluster in range(8):
        assert {"href": f"#cluster-{cluster}"} in tree_page.all("a")


def test_the_other_cuts_stand_with_their_commands(tree_page: Page) -> None:
    assert (
        "Clusters Score Reason To have it 8 0.500 12 runs agree 80% 3 0.400 12 runs agree 70% "
        "pictree cut RUN --k 3 4000 0.100 more than there are leaves"
    ) in tree_page.text
    assert "pictree cut RUN --k 8" not in tree_page.text
    assert "pictree cut RUN --k 4000" not in tree_page.text


def test_without_a_tree_nothing_speaks_of_one(tmp_path: Path, small_digits) -> None:
    run = build_run(tmp_path / "run", small_digits[0][:60], k=3, metrics={"k_shortlist": SHORTLIST})
    page = read_page(run)
    assert not page.all("section", id="tree")
    assert not page.all("a", href="#tree")
    assert "To have it" not in page.text
    assert "pictree cut" not in page.text
    assert not (run.path / "pictures" / "tree.png").exists()


def test_the_tree_as_a_file(tree_run: Run, tree_page: Page) -> None:
    svg = tree_page.all("svg", class_="tree")[0]
    with Image.open(tree_run.path / "pictures" / "tree.png") as image:
        assert image.size == (2 * int(svg["width"]), 2 * (int(svg["height"]) + 6))
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}
    assert (0x3F, 0x90, 0xDA) in colours  # cluster 0


@pytest.mark.parametrize(
    ("n", "leaves", "k", "shape"),
    [
        (5, 5, 5, (28, 28, 1)),
        (5, 2, 1, (3, 3, 1)),
        (300, 150, 120, (6, 6, 3)),
        (60, 8, 2, (4, 64, 3)),
        (60, 8, 8, (200, 90, 1)),
    ],
)
def test_trees_of_every_kind(
    tmp_path: Path, n: int, leaves: int, k: int, shape: tuple[int, int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (n, *shape), np.uint8)
    page = read_page(build_run(tmp_path / "run", pixels, tree=chain_tree(n, leaves), k=k))
    tips = min(leaves, 36, max(12, 3 * k))
    assert len(drawing(page)) == 2 * tips - 1
    ids = {a["id"] for _, a in page.elements if "id" in a}
    assert {a["href"][1:] for a in page.all("a")} <= ids


def test_a_tree_of_one_leaf_is_not_drawn(tmp_path: Path, small_digits) -> None:
    alone = ClusterTree(np.zeros(9, np.int32), np.empty((0, 2), np.int32), np.empty(0))
    page = read_page(build_run(tmp_path / "run", small_digits[0][:9], tree=alone, k=1))
    assert not page.all("section", id="tree")


def test_images_that_were_only_predicted_are_not_in_the_tree(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 6, 6, 1), np.uint8)
    run = build_run(tmp_path / "run", pixels, tree=chain_tree(20, 4), k=2)
    half = chain_tree(10, 4)
    run.write_arrays("tree.npz", half.to_arrays() | {"rows": np.arange(10, 20)})
    page = read_page(run)
    assert "10 images in 4 leaves" in page.text
    names = {image["aria-label"] for image in page.all("image")}
    assert names <= {f"digits/{i:05d}.png" for i in range(10, 20)}
    assert len(names) == 10


FIRST: dict[str, Any] = {
    ("maps",): (
        "First report: the maps are still to be drawn; this page is written again when they are. "
        "If the run was stopped, the same command with --resume goes on with it."
    ),
    ("judge", "maps"): (
        "First report: judging is still to come and the maps are still to be drawn; this page is "
        "written again when that is done. If the run was stopped, the same command with --resume "
        "goes on with it."
    ),
}


@pytest.mark.parametrize("waiting", FIRST)
def test_a_run_that_goes_on_says_so_first(
    tmp_path: Path, small_digits, waiting: tuple[str, ...]
) -> None:
    run = build_run(tmp_path / "run", small_digits[0][:60], k=3, maps=(), waiting=waiting)
    page = read_page(run)
    head = page.text[: page.text.index("What is in my pile?")]
    assert FIRST[waiting] in head
    assert "The maps are still being drawn." in page.text
    assert "Time 2 min 5 s so far" in page.text
    assert "drawing maps" not in page.text  # no time for a stage that is not done
    assert not (run.path / "pictures").exists()
    assert "folder pictures" not in page.text


def test_the_last_report_is_the_same_with_and_without_a_first(
    tmp_path: Path, tree_run: Run, tree_page: Page
) -> None:
    run = Run(shutil.copytree(tree_run.path, tmp_path / "run"))
    shutil.rmtree(run.path / "pictures")
    stages = run.info["stages"]
    run.plan(["maps"])
    assert b"First report" in write_report(run).read_bytes()
    run.update(stages=stages)
    write_report(run)
    for file in [tree_run.path / "report.html", *(tree_run.path / "pictures").iterdir()]:
        same = run.path / file.relative_to(tree_run.path)
        assert same.read_bytes() == file.read_bytes()
