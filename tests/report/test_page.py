"""What the page of a real run of 600 digits says."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_pages import Page
from report_runs import SCRIPT_NAME, build_run

from pictree.errors import RunError
from pictree.report.page import write_report
from pictree.store import Run


def test_headline_and_questions_in_order(page: Page) -> None:
    html = page.text
    assert html.startswith("600 images in 10 clusters – Pictree")
    questions = [
        "How do the kinds lie beside each other?",
        "How many kinds are there, and which?",
        "How good are these clusters?",
        "What is in my pile?",
        "What did the network keep?",
        "Which are odd, twice there or broken?",
        "What now?",
    ]
    places = [html.index(question) for question in questions]
    assert places == sorted(places)


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    steps = np.diff(levels)
    assert steps.max() == 1


def test_says_what_was_done(page: Page) -> None:
    for said in [
        "Files 604 files found",
        "Used 600 images",
        "Duplicates 1 ( which )",
        "Left out 2 unreadable, 1 empty ( which, and why )",
        "Size and colour 28 × 28 pixels, grey: the size of all images",
        "Clusters k-means, 10 clusters, fitted on all images",
        "Recipe large-1568",
        "Seed 7",
        "Time 2 min 5 s",
        "reading the pictures 0.2 s training the network 2 min 5 s",
        "Memory 1,431 MB at most",
        "Hardware Some CPU, 2 cores, 8.0 GiB of memory, OS",
        "Device CPU, 2 threads: no GPU found",
        "The exact command pictree fit 'my pictures' -o run --seed 7",
        "python 3.11.2",
        "Better than k-means on pixels by 0.2: matched accuracy 0.6.",
        "There is no UMAP map: UMAP needs umap-learn; got none. Run pip install .",
        "After 3 epochs: training 0.1500, validation 0.1900.",
    ]:
        assert said in page.text


def test_scores_stand_beside_the_baselines(page: Page, digit_run: Run) -> None:
    scores = digit_run.metrics["scores"]
    ours = " ".join(f"{scores[key]:.3f}" for key in ("acc", "ari", "nmi", "purity"))
    assert f"These clusters {ours} 0.123 0.900" in page.text
    plain = "0.400 ± 0.020 0.300 ± 0.010 0.400 ± 0.010 0.500 ± 0.010 – 0.850"
    assert f"k-means on pixels {plain}" in page.text
    assert "The silhouette was measured on 600 images." in page.text


def test_one_card_per_cluster_biggest_first(page: Page, digit_run: Run) -> None:
    cards = [card["id"] for card in page.all("article", class_="card")]
    assert cards == [f"cluster-{c}" for c in range(10)]
    sizes = np.bincount(digit_run.labels())
    for cluster, size in enumerate(sizes):
        assert f"Cluster {cluster} {size} images, " in page.text
    contents = digit_run.metrics["contents"]
    assert all(held["in_words"] in page.text for held in contents)


def test_every_picture_is_inside_and_told_in_words(page: Page) -> None:
    images = page.all("img")
    assert len(images) > 300
    assert all(re.match("data:image/(png|webp);base64,", image["src"]) for image in images)
    assert all(image["alt"] is not None for image in images)
    named = [image for image in images if re.fullmatch(r"digits/\d{5}\.png", image["alt"])]
    assert len(named) > 250


def test_refers_to_nothing_outside(digit_run: Run) -> None:
    html = write_report(digit_run).read_text(encoding="utf-8")
    without_pictures = re.sub(r"data:image/\w+;base64,[\w+/=]+", "", html)
    without_pictures = re.sub(r'(id="data-[^>]*>)[\w+/=]+', r"\1", without_pictures)
    without_pictures = without_pictures.replace('"http://www.w3.org/2000/svg"', "")
    assert not re.search(r"https?:|//[a-z]|@import|url\(", without_pictures)
    assert "default-src 'none'; img-src data: file: 'self'; style-src 'sha256-" in html


def test_links_lead_somewhere(page: Page) -> None:
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for a in page.all("a")}
    assert targets <= set(ids)
    assert len(targets) > 15


def test_names_of_files_are_text(page: Page, digit_run: Run) -> None:
    assert f"{SCRIPT_NAME} unreadable truncated at byte 12" in page.text
    assert "a\\nb\\u202egnp.exe unreadable 0 rows" in page.text
    assert "digits/00003.png is there again as copies/<b>3</b>.png" in page.text
    running = [script for script in page.all("script") if "type" not in script]
    assert len(running) == 1
    assert SCRIPT_NAME not in (digit_run.path / "report.html").read_text(encoding="utf-8")


def test_the_same_run_gives_the_same_bytes(digit_run: Run, page: Page, tmp_path: Path) -> None:
    again = Run(shutil.copytree(digit_run.path, tmp_path / "other name"))
    drawn = sorted((digit_run.path / "pictures").iterdir())
    assert len(drawn) == 10 + 2 * 3 + 2
    shutil.rmtree(again.path / "pictures")
    (again.path / "report.html").unlink()
    with again.stage("report"):
        write_report(again)
    assert (again.path / "report.html").read_bytes() == (
        digit_run.path / "report.html"
    ).read_bytes()
    for picture in drawn:
        assert (again.path / "pictures" / picture.name).read_bytes() == picture.read_bytes()


def test_pictures_for_a_paper(page: Page, digit_run: Run) -> None:
    names = {file.name for file in (digit_run.path / "pictures").iterdir()}
    assert names == {
        "loss.png",
        "reconstructions.png",
        *(f"cluster-{c:03d}.png" for c in range(10)),
        *(f"map-{m}-{w}.png" for m in ("pca", "tsne") for w in ("clusters", "known", "thumbnails")),
    }
    for name in names:
        with Image.open(digit_run.path / "pictures" / name) as image:
            assert image.format == "PNG"
            assert "Software" not in image.info
            assert min(image.size) > 150


def test_only_absent_pictures_are_drawn(digit_run: Run, page: Page, tmp_path: Path) -> None:
    run = Run(shutil.copytree(digit_run.path, tmp_path / "run"))
    kept = run.path / "pictures" / "loss.png"
    kept.write_bytes(b"mine")
    (run.path / "pictures" / "cluster-003.png").unlink()
    write_report(run)
    assert kept.read_bytes() == b"mine"
    assert (run.path / "pictures" / "cluster-003.png").read_bytes() == (
        digit_run.path / "pictures" / "cluster-003.png"
    ).read_bytes()


def test_says_the_doubt_when_a_plain_method_does_as_well(tmp_path: Path, small_digits) -> None:
    pixels, known = small_digits
    plain = {"name": "k-means on pixels", "scores": {"acc": 0.9}, "deviations": {"acc": 0.01}}
    metrics = {"baselines": [plain], "verdict": ["No better than k-means on pixels."]}
    run = build_run(tmp_path / "run", pixels[:60], known[:60], k=4, metrics=metrics)
    html = write_report(run).read_text(encoding="utf-8")
    assert (
        "Better clusters than plain ones were not found here: k-means on pixels does better. "
        "Take these clusters as a first look at the pile, not as an answer."
    ) in html


def test_an_unfinished_run_is_refused(tmp_path: Path, small_digits) -> None:
    run = build_run(tmp_path / "run", small_digits[0][:30], k=2)
    (run.path / "metrics.json").unlink()
    with pytest.raises(RunError) as caught:
        write_report(run)
    assert str(caught.value) == (
        f"The run must have metrics.json; got none in {run.path}. "
        "Finish the run: the same `pictree fit` command with --resume."
    )
