from __future__ import annotations

import numpy as np
import pytest

from pictree.errors import InputError
from pictree.evaluation.baselines import baselines, seed_agreement


def test_seed_agreement_by_hand():
    a, b = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    assert seed_agreement([a]) == 1
    assert seed_agreement([a, 1 - a]) == 1
    # ari(a, b) is (0 - 2/3) / (2 - 2/3) = -0.5; three pairs: a-a 1, a-b twice -0.5
    assert seed_agreement([a, a, b]) == pytest.approx(0)
    with pytest.raises(InputError):
        seed_agreement([])


def test_digits_reach_what_kmeans_is_known_to_reach(digits):
    images, known = digits
    flat = images[:2000].reshape(2000, -1)
    pixels, reduced = baselines(flat, 10, [str(label) for label in known[:2000]])
    assert pixels.name == "k-means on pixels"
    assert reduced.name == "k-means on PCA-50 of pixels"
    for found in (pixels, reduced):
        assert 0.45 < found.scores["acc"] < 0.65
        assert 0.4 < found.agreement < 1
        assert set(found.scores) == set(found.deviations) == {"acc", "ari", "nmi", "purity"}
        assert 0 < found.deviations["acc"] < 0.1


def test_fitted_on_a_sample_all_assigned(digits):
    images, known = digits
    flat = images[:2000].reshape(2000, -1)
    whole, _ = baselines(flat, 10, known[:2000])
    part, _ = baselines(flat, 10, known[:2000], sample=500)
    assert part.scores["acc"] == pytest.approx(whole.scores["acc"], abs=0.12)


def test_without_known_labels_and_with_few_images():
    found = baselines(np.arange(12.0).reshape(4, 3), 10)
    assert [b.name for b in found] == ["k-means on pixels", "k-means on PCA-3 of pixels"]
    assert all(b.scores == {} and b.deviations == {} and b.agreement == 1 for b in found)


def test_codes_from_elsewhere_are_judged_by_kmeans_on_them():
    known = np.repeat([0, 1], 50)
    pixels = np.random.default_rng(0).normal(size=(100, 9))
    *plain, same = baselines(pixels, 2, known, codes=np.eye(2, dtype=np.float32)[known])
    assert len(plain) == 2
    assert (same.name, same.scores["acc"], same.agreement) == ("k-means on these codes", 1, 1)
    assert all(found.scores["acc"] < 0.8 for found in plain)
