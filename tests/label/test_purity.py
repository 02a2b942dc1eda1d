"""Intervals against figures known from elsewhere, and against simulation."""

from __future__ import annotations

import numpy as np
import pytest

from pictree.label.purity import label_error, purity_interval


@pytest.mark.parametrize(
    ("seen", "wrong", "low", "high"),
    [  # Clopper and Pearson's table: 0, 1, 2 and 10 of 20; all of 1
        (20, 0, 0.8316, 1.0),
        (20, 1, 0.7513, 0.9987),
        (20, 2, 0.6830, 0.9877),
        (20, 10, 0.2720, 0.7280),
        (1, 1, 0.0, 0.9750),
    ],
)
def test_the_exact_interval(seen: int, wrong: int, low: float, high: float) -> None:
    found = purity_interval(seen, wrong)
    assert (round(found[0], 4), round(found[1], 4)) == (low, high)


def test_nothing_is_said_of_what_nobody_checked() -> None:
    assert label_error([], 100) is None


def test_one_check_of_everything_is_its_own_interval() -> None:
    found = label_error([(500, 20, 1)], 1000)
    low, high = purity_interval(20, 1)
    assert found is not None
    assert (found.value, found.covered) == (0.05, 0.5)
    assert np.allclose((found.low, found.high), (1 - high, 1 - low))


def test_the_interval_holds_the_true_error_at_least_as_often_as_it_says() -> None:
    """300 piles of ten groups of unlike size and purity."""
    rng, held = np.random.default_rng(0), 0
    for _ in range(300):
        sizes = rng.integers(50, 5000, 10)
        rates = rng.beta(1, 30, 10)
        wrong = rng.binomial(20, rates)
        found = label_error(list(zip(sizes, [20] * 10, wrong, strict=True)), int(sizes.sum()))
        assert found is not None
        held += found.low <= (sizes * rates).sum() / sizes.sum() <= found.high
    assert held >= 0.95 * 300
