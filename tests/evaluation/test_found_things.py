"""Label errors, outliers, looks and sizes: by hand, and with injected truth on real digits."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from pictree.evaluation import looks
from pictree.evaluation.label_errors import NEIGHBOURS, label_errors
from pictree.evaluation.outliers import LIMIT, mean_of, outliers
from pictree.evaluation.sizes import odd_sizes
from pictree.neighbors import nearest
from tests.evaluation.test_near_duplicates import codes_of


def test_label_errors_by_hand() -> None:
    """Two rings of ten, one label of each wrong; a picture without a label has no say."""
    known = ["a"] * 10 + ["b"] * 10 + [None]
    known[3], known[17] = "b", "a"
    neighbours = np.array(
        [[(i + step) % 10 + 10 * (i // 10) for step in range(1, 10)] + [20] for i in range(20)]
        + [list(range(10))]
    )
    found = label_errors(neighbours, known)
    assert found.rows.tolist() == [3, 17]
    assert (found.given, found.suggested) == (["b", "a"], ["a", "b"])
    assert found.support.tolist() == [1.0, 1.0]
    assert found.own.tolist() == [0.0, 0.0]


def test_no_known_labels_no_errors() -> None:
    assert len(label_errors(np.array([[1], [0]]), [None, None]).rows) == 0


def test_changed_labels_of_digits_are_found(digits: tuple) -> None:
    images, known = digits[0][:3000], digits[1][:3000].copy()
    rng = np.random.default_rng(0)
    at = rng.choice(3000, 60, replace=False)
    known[at] = (known[at] + rng.integers(1, 10, 60)) % 10
    neighbours, _ = nearest(codes_of(images), NEIGHBOURS)
    found = label_errors(neighbours, [str(label) for label in known])
    right = np.isin(found.rows, at)
    assert right.sum() >= 40  # among 3,000 the neighbours of some are of other kinds
    assert right.mean() >= 0.5
    assert right[:20].mean() >= 0.8
    truth = digits[1][:3000]
    said = [s == str(truth[r]) for s, r in zip(found.suggested, found.rows, strict=True)]
    assert np.mean(np.array(said)[right]) >= 0.95


def test_outliers_are_far_for_their_own_cluster() -> None:
    rng = np.random.default_rng(0)
    narrow, wide = np.exp(rng.normal(0, 0.1, 100)), np.exp(rng.normal(3, 0.1, 100))
    distances = np.r_[narrow, wide]
    clusters = np.repeat([0, 1], 100)
    distances[5] = np.exp(1.5)  # far for its own cluster, near for the other
    found = outliers(distances, clusters)
    assert found.rows[0] == 5
    assert found.by_error is None
    errors = np.full(200, 0.01) * np.exp(rng.normal(0, 0.1, 200))
    errors[150] = 0.1
    both = outliers(distances, clusters, errors)
    assert both.by_error is not None
    np.testing.assert_allclose(both.score, (both.by_distance + both.by_error) / np.sqrt(2))
    assert {5, 150} <= set(both.rows)
    assert (both.score[both.rows] > LIMIT).all()


def test_two_kinds_of_codes_count_alike() -> None:
    rng = np.random.default_rng(0)
    clusters = np.repeat([0, 1], 100)
    first, second = np.exp(rng.normal(0, 0.1, (2, 200)))
    first[3], second[[3, 150]] = np.exp(0.9), np.exp(0.9)
    left, right = outliers(first, clusters, second), outliers(second, clusters, first)
    both = mean_of(left, right)
    assert both.by_error is not None
    np.testing.assert_allclose(both.score, (left.score + right.score) / 2)
    np.testing.assert_allclose(both.by_distance, both.by_error)
    assert (both.rows[0], both.score[3] > both.score[150] > LIMIT) == (3, True)
    alone = mean_of(outliers(first, clusters), outliers(second, clusters))
    assert alone.by_error is None
    np.testing.assert_allclose(alone.score, both.by_distance)


def test_blurred_digits_are_found(digits: tuple) -> None:
    sharp = digits[0][:500]
    blurred = np.stack(
        [np.asarray(Image.fromarray(i).filter(ImageFilter.GaussianBlur(1.5))) for i in sharp[:20]]
    )
    found = looks.looks(np.concatenate([sharp, blurred])[..., None])
    rows = looks.blurred(found)
    assert set(range(500, 520)) <= set(rows.tolist())
    assert len(rows) <= 23


def test_contrast_changes_no_sharpness(digits: tuple) -> None:
    images = digits[0][:10, ..., None]
    pale = images // 4
    np.testing.assert_allclose(looks.looks(pale).sharpness, looks.looks(images).sharpness, rtol=0.1)


def test_dark_bright_and_flat_ones_among_usual_ones() -> None:
    rng = np.random.default_rng(0)
    usual = rng.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
    dark, bright, flat = usual[0] // 8, 255 - usual[1] // 8, 110 + usual[2] // 16
    found = looks.looks(np.concatenate([usual, np.stack([dark, bright, flat])]))
    assert looks.dark(found).tolist() == [60]
    assert looks.bright(found).tolist() == [61]
    assert 62 in looks.flat(found).tolist()
    assert found.high[60] == pytest.approx(31 / 255, abs=0.03)


def test_a_pile_that_is_dark_throughout_has_no_dark_ones() -> None:
    rng = np.random.default_rng(0)
    found = looks.looks(rng.integers(0, 40, (60, 16, 16, 1), dtype=np.uint8))
    assert len(looks.dark(found)) == 0


def test_odd_sizes_by_hand() -> None:
    width = np.full(50, 640)
    height = np.full(50, 480)
    width[[3, 7, 9]], height[[3, 7, 9]] = [1300, 64, 480], [960, 48, 640]
    width[11] = 650
    rows, why = odd_sizes(width, height)
    found = dict(zip(rows.tolist(), why, strict=True))
    assert found == {3: "large", 7: "small", 9: "tall"}
    assert odd_sizes(width[:0], height[:0])[1] == []


def test_upright_pictures_among_lying_ones_are_not_odd() -> None:
    width, height = np.full(100, 600), np.full(100, 400)
    width[:30], height[:30] = 400, 600
    width[99] = 1800
    assert [rows.tolist() for rows in odd_sizes(width, height)[:1]] == [[99]]
    width[94:] = 1800  # six of a hundred are a kind of their own
    assert len(odd_sizes(width, height)[0]) == 0


def test_a_pile_of_every_size_has_no_odd_ones() -> None:
    rng = np.random.default_rng(0)
    width, height = rng.integers(200, 4000, (2, 300))
    assert len(odd_sizes(width, height)[0]) <= 3
