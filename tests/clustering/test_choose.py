from __future__ import annotations

import numpy as np
import pytest

from pictree.clustering.choose import choose_k, parse_k
from pictree.errors import InputError


def blobs(k, each=60, width=5):
    rng = np.random.default_rng(1)
    centres = rng.normal(size=(k, width)) * 12
    return np.repeat(centres, each, axis=0) + rng.normal(size=(k * each, width))


@pytest.mark.parametrize("k", [2, 4, 7])
def test_true_number_of_blobs_comes_first(k):
    ranked = choose_k(blobs(k), range(2, 12))
    assert ranked[0].k == k
    assert ranked[0].reason.endswith("agreement 1.00 of 3 seeds")
    assert sorted(c.k for c in ranked) == list(range(2, 12))
    assert [c.score for c in ranked] == sorted((c.score for c in ranked), reverse=True)


def test_same_every_time_and_sampled_above_the_limit():
    codes = blobs(3)
    first = choose_k(codes, [2, 3, 4], seed=5, sample=100)
    assert first == choose_k(codes, [2, 3, 4], seed=5, sample=100)
    assert first[0].k == 3
    assert "on 100 images" in first[0].reason


def test_candidates_are_capped_by_the_number_of_codes():
    ranked = choose_k(np.arange(5.0)[:, None], parse_k("auto"))
    assert sorted(c.k for c in ranked) == [2, 3, 4]


def test_too_few_codes():
    with pytest.raises(InputError) as caught:
        choose_k(np.arange(4.0)[:, None], [7, 8])
    assert str(caught.value) == (
        "a k to try must be from 2 to 3 for these codes; got 7, 8. Pass more images, or another k."
    )


def test_parse_k():
    assert parse_k("auto") == list(range(2, 21))
    assert parse_k("5:7") == [5, 6, 7]
    assert parse_k("10") == parse_k(10) == [10]
    for bad in ("0", "5:4", "1:3", "-2", "ten", "2:3:4", ""):
        with pytest.raises(InputError) as caught:
            parse_k(bad)
        assert str(caught.value) == (
            "k must be auto, a number such as 10, or a range such as 5:40 that starts at 2 or "
            f"more; got {bad!r}. Pass one of these."
        )
