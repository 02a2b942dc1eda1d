"""Runs of every odd kind get a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from report_pages import read_page
from report_runs import build_run


def coloured(n: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Pictures of two kinds: bright above or bright below, over noise."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 120, (n, height, width, channels)).astype(np.uint8)
    pixels[::2, : height // 2] += 120
    return pixels


def test_a_bare_run(tmp_path: Path) -> None:
    """No known labels, maps, reconstructions, decoded centres; nothing trained."""
    pixels = coloured(40, 8, 8)
    run = build_run(tmp_path / "run", pixels, k=2, maps=(), trained=False, kept=False)
    (run.path / "log.jsonl").unlink()
    (run.path / "errors" / "00000.npy").unlink()
    page = read_page(run)
    for said in [
        "This run has no maps.",
        "This run holds no reconstructions.",
        "Nothing was trained in this run.",
        "This run has no reconstruction errors.",
        "No file has the same content as another one.",
        "Every file could be used.",
        "There are no known labels here, so no figure can say whether these clusters are the "
        "kinds that you have in mind. Look at the pictures.",
        "Left out none",
    ]:
        assert said in page.text
    assert {file.name for file in (run.path / "pictures").iterdir()} == {
        "cluster-000.png",
        "cluster-001.png",
    }


def test_a_run_on_given_codes(tmp_path: Path) -> None:
    """Nothing was trained, and the file's name is the user's."""
    name = "<b>codes</b>\u202e.npy"
    codes = {"file": name, "sha256": "5" * 64, "shape": [40, 1], "dtype": "float16"}
    run = build_run(
        tmp_path / "run", coloured(40, 8, 8), k=2, info={"codes": codes}, trained=False, kept=False
    )
    (run.path / "log.jsonl").unlink()
    (run.path / "errors" / "00000.npy").unlink()
    page = read_page(run)
    shown = "<b>codes</b>\\u202e.npy"
    for said in [
        f"Where do the codes come from? From outside: 40 rows of 1 number in {shown} . No network "
        "was trained here, so no image can be restored from its code; the network and the "
        "training of the recipe were not used. New pictures need codes by the same network: "
        "pictree predict RUN PICTURES --codes FILE.npy SHA-256 of the file: " + "5" * 64,
        f"Codes 1 number for each image, given in {shown}; nothing was trained",
        f"Made by Pictree from these images and the codes in {shown} .",
    ]:
        assert said in page.text
    for absent in ("This run holds no", "This run has no", "go on learning", "badly restored"):
        assert absent not in page.text


@pytest.mark.parametrize(
    "shape", [(3, 3, 1), (5, 7, 3), (31, 47, 1), (64, 64, 3), (200, 90, 3), (1, 1, 1), (4, 64, 1)]
)
def test_pictures_of_any_shape(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    run = build_run(tmp_path / "run", coloured(30, *shape), k=2 if shape != (1, 1, 1) else 1)
    page = read_page(run)
    tiles = [image for image in page.all("img") if image["alt"].startswith("digits/")]
    assert len(tiles) > 20
    sizes = {(int(image["width"]), int(image["height"])) for image in tiles}
    (width, height), *others = sizes
    assert not others
    assert 32 < max(width, height) <= 64
    assert width / height == pytest.approx(shape[1] / shape[0], rel=0.05)


def test_one_cluster(tmp_path: Path) -> None:
    page = read_page(build_run(tmp_path / "run", coloured(30, 6, 6), k=1))
    assert "30 images in 1 cluster" in page.text
    assert "Farthest" in page.text
    assert "The nearest other cluster" not in page.text


def test_one_image(tmp_path: Path) -> None:
    page = read_page(build_run(tmp_path / "run", coloured(1, 6, 6), ["a cat"], k=1))
    assert "1 image in 1 cluster" in page.text
    assert "Cluster 0 1 image, 100 %" in page.text
    assert "1 is a cat" in page.text


def test_a_cluster_of_one_image(tmp_path: Path) -> None:
    labels = np.array([0] * 19 + [1], np.int32)
    page = read_page(build_run(tmp_path / "run", coloured(20, 6, 6), labels=labels))
    assert "Cluster 1 1 image, 5.0 %" in page.text
    assert "All, the nearest to the centre first" in page.text


def test_noise_stands_at_the_end(tmp_path: Path) -> None:
    labels = np.array([0] * 8 + [1] * 4 + [-1] * 18, np.int32)
    run = build_run(
        tmp_path / "run", coloured(30, 6, 6), labels=labels, metrics={"method": "hdbscan"}
    )
    page = read_page(run)
    cards = [card["id"] for card in page.all("article")]
    assert cards == ["cluster-0", "cluster-1", "cluster-noise"]
    assert "Images that the method put into no cluster." in page.text
    assert "Clusters HDBSCAN, 2 clusters, fitted on all images" in page.text
    assert (run.path / "pictures" / "cluster-noise.png").exists()


def test_nothing_but_noise(tmp_path: Path) -> None:
    labels = np.full(12, -1, np.int32)
    page = read_page(build_run(tmp_path / "run", coloured(12, 6, 6), labels=labels))
    assert "12 images in 0 clusters" in page.text
    assert [card["id"] for card in page.all("article")] == ["cluster-noise"]


def test_two_thousand_clusters(tmp_path: Path) -> None:
    labels = np.concatenate([np.arange(2000), np.arange(500)]).astype(np.int32)
    run = build_run(tmp_path / "run", coloured(2500, 6, 6), labels=labels)
    page = read_page(run)
    assert len(page.all("article", class_="card")) == 100
    rows = [row["id"] for row in page.all("tr") if "id" in row]
    assert rows == [f"cluster-{c}" for c in range(100, 2000)]
    assert "1900 smaller clusters" in page.text
    assert "By cluster (the first 40 of 2,000 are named; colours repeat)" in page.text
    assert len(list((run.path / "pictures").glob("cluster-*.png"))) == 100


def test_hundred_known_labels_of_odd_names(tmp_path: Path) -> None:
    names = ["$x^{$", "_hidden", "<i>kind</i>", "日本", "a\nb", "", "x" * 300]
    known = [names[i % 7] if i < 70 else f"kind {i % 93}" for i in range(200)]
    known[0] = None
    page = read_page(build_run(tmp_path / "run", coloured(200, 6, 6), known, k=3))
    assert "no known label" in page.text
    assert "<i>kind</i>" in page.text
    assert "a\\nb" in page.text
    assert not page.all("i")


def test_paths_of_odd_names(tmp_path: Path) -> None:
    names = ['"quoted" & <b>.png', "new\nline.png", "tab\t.png", "‮turned.png", "x" * 400]
    paths = [f"{i}{names[i % 5]}" for i in range(20)]
    page = read_page(build_run(tmp_path / "run", coloured(20, 6, 6), k=1, paths=paths))
    alts = {image["alt"] for image in page.all("img")}
    assert {'0"quoted" & <b>.png', "1new\\nline.png", "3\\u202eturned.png"} <= alts
    assert "‮" not in page.text


def test_equal_images_and_an_empty_cluster(tmp_path: Path) -> None:
    labels = np.array([0] * 6 + [2] * 6, np.int32)
    run = build_run(
        tmp_path / "run", np.full((12, 6, 6, 1), 7, np.uint8), labels=labels, kept=False
    )
    page = read_page(run)
    assert "No image lies farther from its centre than usual." in page.text
    assert "Cluster 1 0 images, 0 %" in page.text


def test_many_problems_are_cut_at_two_hundred(tmp_path: Path) -> None:
    extra = [{"path": f"{i}.txt", "outcome": "not an image", "reason": "text"} for i in range(250)]
    page = read_page(build_run(tmp_path / "run", coloured(20, 6, 6), k=2, extra=extra))
    assert "250 files were left out. The first 200 stand here; all are in problems.csv" in page.text
    assert "199.txt" in page.text
    assert "200.txt" not in page.text
