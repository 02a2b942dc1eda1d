"""One look: which evidence votes, and what an earlier look's shortlist does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pictree.clustering.look import Look, look
from pictree.neighbors import nearest


@pytest.fixture(scope="module")
def links() -> np.ndarray:
    """Ten nearest of 240 points around four corners."""
    rng = np.random.default_rng(0)
    corners = np.array([[0, 0], [0, 9], [9, 0], [9, 9]])[np.repeat(np.arange(4), 60)]
    return nearest((corners + rng.normal(size=(240, 2))).astype(np.float32), 10)[0]


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    """Neighbours that know nothing of the corners."""
    rng = np.random.default_rng(1)
    return nearest(rng.normal(size=(240, 8)).astype(np.float32), 10)[0]


@pytest.fixture(scope="module")
def both(links: np.ndarray, noise: np.ndarray) -> Look:
    return look(links, [noise, links], k=4)


def test_every_evidence_votes_unless_told(links: np.ndarray, noise: np.ndarray, both: Look) -> None:
    assert len(both.voters) == 24
    alone = look(links, [noise, links], k=4, voting=(1,))
    assert len(alone.voters) == 12
    assert np.array_equal(alone.clusters, look(links, [links], k=4).clusters)
    assert sorted(np.bincount(alone.clusters)) == [60, 60, 60, 60]
    assert alone.agreement == both.agreement  # the rest is heard for that


def test_an_earlier_shortlist_is_weighed_too(links: np.ndarray) -> None:
    first = look(links, [links])
    again = look(links, [links], before=first.shortlist)
    assert [c.k for c in again.shortlist] == [c.k for c in first.shortlist]
    for now, then in zip(again.shortlist, first.shortlist, strict=True):
        assert now.score == pytest.approx(then.score)
    only_six = [replace(c, score=float(c.k == 6)) for c in first.shortlist]
    assert look(links, [links], before=only_six).k == 6
