"""The parts of the report against results worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from report_runs import build_run

from pictree.images.batches import Stacked
from pictree.report.cards import choose_cards
from pictree.report.charts import densest
from pictree.report.gather import Findings, gather
from pictree.report.mosaic import mosaic, one_per_cell
from pictree.report.odd import farthest, worst_restored
from pictree.report.palette import GREY, Groups, colours, groups_of
from pictree.report.quality import doubt
from pictree.report.sheets import fitted
from pictree.report.words import count, counted, duration, figure, percent, shown


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (count(10_000), "10,000"),
        (counted(1, "image"), "1 image"),
        (counted(2_000, "image"), "2,000 images"),
        (percent(1, 8), "12\u00a0%"),
        (percent(1, 200), "0.5\u00a0%"),
        (percent(1, 70_000), "below\u00a00.1\u00a0%"),
        (percent(0, 0), "0\u00a0%"),
        (duration(0.04), "0.0 s"),
        (duration(9.96), "10 s"),
        (duration(185), "3 min 5 s"),
        (duration(7_800), "2 h 10 min"),
        (figure(-0.5), "−0.500"),
        (figure(None), "–"),
        (figure(float("nan")), "–"),
        (shown("a\u202e\nb ü日"), "a\\u202e\\nb ü日"),
    ],
)
def test_words(got: str, expected: str) -> None:
    assert got == expected


def line_of_codes(tmp_path: Path) -> Findings:
    """Two clusters on a line, centres 0 and 100: 40 images each, at whole numbers."""
    labels = np.repeat([0, 1], 40).astype(np.int32)
    side = np.concatenate([np.arange(-20, 0), np.arange(1, 21)])
    codes = np.concatenate([side, 100 + side]).astype(np.float32)[:, None]
    pixels = np.arange(80 * 9, dtype=np.uint8).reshape(80, 3, 3, 1)
    run = build_run(tmp_path / "run", pixels, labels=labels, maps=())
    distances = np.abs(codes[:, 0] - labels * 100).astype(float)
    return replace(gather(run), codes=Stacked([codes]), distances=distances)


def test_cards_show_the_nearest_the_typical_and_the_doubtful(tmp_path: Path) -> None:
    found = line_of_codes(tmp_path)
    first, second = choose_cards(found)
    assert (first.cluster, first.size, first.neighbour) == (0, 40, 1)
    assert found.distances[first.nearest].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6]
    positions = found.codes[:][:, 0]
    # The border is at 50: in cluster 0 the image at 20 is nearest to it, then 19, 18 ...
    assert positions[first.border].tolist() == list(range(20, 8, -1))
    assert positions[second.border].tolist() == list(range(80, 92))
    parts = [set(first.nearest), set(first.typical), set(first.border)]
    assert len(set.union(*parts)) == sum(map(len, parts))
    inside = found.distances[first.typical]
    assert inside.min() > found.distances[first.nearest].max()


def test_outliers_are_measured_by_their_clusters_usual_distance(tmp_path: Path) -> None:
    found = line_of_codes(tmp_path)
    distances = found.distances.copy()
    distances[40:] *= 1000  # a wide cluster
    distances[7] = 105  # ten times the median of its cluster, 10.5
    odd = farthest(replace(found, distances=distances))
    assert (odd[0].path, odd[0].figure) == ("digits/00007.png", "10.0 × the usual distance")
    assert {one.cluster for one in odd} == {0, 1}


def test_worst_restored_first(tmp_path: Path) -> None:
    found = line_of_codes(tmp_path)
    errors = np.zeros(80, np.float32)
    errors[[5, 9]] = 0.25, 0.5
    odd = worst_restored(replace(found, errors=errors))
    assert [one.path for one in odd[:2]] == ["digits/00009.png", "digits/00005.png"]
    assert odd[0].figure == "error 0.5000"


def test_mosaic_shows_one_image_per_cell_the_nearest_to_its_middle() -> None:
    points = np.array([[0, 0], [0.6, 0.7], [4, 4], [3.6, 0.4], [3.1, 0.9]], float)
    # 4 columns and 4 lines of one unit each; line 0 is the highest.
    assert one_per_cell(points, 4, 4) == [(2, 3, 0), (1, 0, 3), (3, 3, 3)]


def test_mosaic_never_overlaps() -> None:
    rng = np.random.default_rng(0)
    points = rng.normal(size=(500, 2)).astype(np.float32)
    pixels = Stacked([np.full((500, 28, 28, 1), 255, np.uint8)])
    groups = Groups(np.zeros(500, np.int32), ["0"], "noise")
    image, drawn = mosaic(points, pixels, groups)
    white = (np.asarray(image) == [255, 255, 255, 255]).all(-1).sum()
    assert white == drawn * 28 * 28


def test_mosaic_of_equal_points() -> None:
    pixels = Stacked([np.zeros((3, 5, 9, 3), np.uint8)])
    groups = Groups(np.array([0, 0, -1], np.int32), ["0"], "noise")
    assert mosaic(np.zeros((3, 2), np.float32), pixels, groups)[1] == 1


def test_groups_stand_in_the_order_of_their_names() -> None:
    groups = groups_of(["10", "2", None, "b", "a", "2"], "none")
    assert groups.names == ["2", "10", "a", "b"]
    assert groups.of_image.tolist() == [1, 0, -1, 3, 2, 0]
    assert groups.legend[-1] == ("none", GREY)
    assert groups.colours[-1] == GREY


def test_colours_differ_for_sixty_groups() -> None:
    assert len(set(colours(60))) == 60
    assert colours(61)[60] == colours(1)[0]
    assert all(len(colour) == 7 for colour in colours(40))


@pytest.mark.parametrize(("count", "least"), [(10, 0.1), (20, 0.05)])
def test_colours_differ_without_red_and_green(count: int, least: float) -> None:
    """Deuteranopia as Machado et al. (2009) simulate it; distance in linear RGB."""
    seen = np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    )
    rgb = np.array([[int(c[i : i + 2], 16) / 255 for i in (1, 3, 5)] for c in colours(count)])
    simulated = np.clip(rgb, 0, 1) @ seen.T
    apart = np.linalg.norm(simulated[:, None] - simulated[None], axis=2)
    assert apart[~np.eye(count, dtype=bool)].min() > least


def test_small_pictures_grow_by_whole_pixels() -> None:
    image = Image.fromarray(np.array([[0, 255], [255, 0]], np.uint8))
    grown = np.asarray(fitted(image, 7))
    assert grown.shape == (6, 6)
    assert (grown == np.kron([[0, 255], [255, 0]], np.ones((3, 3)))).all()
    assert fitted(Image.new("L", (200, 100)), 50).size == (50, 25)


@pytest.mark.parametrize(
    ("acc", "deviation", "said"),
    [
        (0.6, 0.0, None),
        (0.505, 0.0, "k-means does as well."),
        (0.55, 0.06, "k-means does as well."),
        (0.4, 0.0, "k-means does better."),
    ],
)
def test_doubt(acc: float, deviation: float, said: str | None) -> None:
    baseline = {"name": "k-means", "scores": {"acc": 0.5}, "deviations": {"acc": deviation}}
    got = doubt({"scores": {"acc": acc}, "baselines": [baseline]})
    whole = (
        f"Better clusters than plain ones were not found here: {said} "
        "Take these clusters as a first look at the pile, not as an answer."
    )
    assert got == (said and whole)


def test_a_groups_name_stands_where_it_is_densest() -> None:
    """Two heaps, the median between them in the void: the bigger heap gets the name."""
    rng = np.random.default_rng(0)
    own = np.concatenate([rng.normal(0, 0.1, (100, 2)), rng.normal(9, 0.1, (90, 2))])
    assert abs(densest(own, own)).max() < 0.2
    assert densest(np.zeros((1, 2)), np.zeros((3, 2))).tolist() == [0, 0]


def test_no_doubt_without_known_labels() -> None:
    assert doubt({"scores": None, "baselines": [{"name": "k-means", "scores": {}}]}) is None


@pytest.mark.parametrize(
    ("pixels", "codes", "words"),
    [
        (0.3, 0.6, "The clustering added nothing to the codes here: k-means on these codes does "),
        (0.6, 0.3, "These codes were not worth their time here: k-means on pixels does "),
    ],
)
def test_the_doubt_about_given_codes(pixels: float, codes: float, words: str) -> None:
    plain = {"k-means on pixels": pixels, "k-means on these codes": codes}
    found = [{"name": name, "scores": {"acc": acc}} for name, acc in plain.items()]
    rest = "Take these clusters as a first look at the pile, not as an answer."
    for acc, does in ((0.595, "as well"), (0.5, "better")):
        said = doubt({"scores": {"acc": acc}, "baselines": found})
        assert said == f"{words}{does}. {rest}"
    assert doubt({"scores": {"acc": 0.7}, "baselines": found}) is None
