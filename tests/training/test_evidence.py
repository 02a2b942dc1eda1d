"""Pixels where their runs agree, else contours where theirs do, else neither."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits

from pictree.clustering.instant import Start, instant_tree
from pictree.clustering.look import look
from pictree.device import choose_device
from pictree.neighbors import nearest
from pictree.networks import inference
from pictree.networks.autoencoder import Architecture, build
from pictree.training import evidence
from pictree.training.evidence import find_evidence, kinship
from pictree.training.linear import fit_linear

DEVICE = choose_device("float32")


def start_of(pixels: np.ndarray) -> Start:
    """Return the start by contours, k = 10."""
    asked = Architecture(pixels.shape[1:], (), (), 50, "linear", contours=True)
    model = build(asked, seed=0)
    fit_linear(model, pixels, DEVICE, seed=0, train_rows=np.arange(len(pixels)))
    return instant_tree(inference.encode(model, pixels, DEVICE), k=10).start


@pytest.fixture(scope="module")
def in_place() -> np.ndarray:
    """1,797 digits of 8×8, well in place."""
    return np.rint(load_digits().images * 255 / 16).astype(np.uint8)[..., None]


@pytest.fixture(scope="module")
def out_of_place(digits: tuple) -> np.ndarray:
    """1,000 digits, each moved by up to 2 pixels."""
    rng = np.random.default_rng(0)
    rolls = rng.integers(-2, 3, (1000, 2))
    pairs = zip(digits[0][:1000], rolls.tolist(), strict=True)
    return np.stack([np.roll(image, by, (0, 1)) for image, by in pairs])[..., None]


def test_pixels_are_believed_where_their_runs_agree(in_place: np.ndarray) -> None:
    start = start_of(in_place)
    found = find_evidence(in_place, start.rows, start, DEVICE, seed=0)
    flat = in_place.reshape(len(in_place), -1).astype(np.float64) / 255
    centred = flat - flat.mean(axis=0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:50]
    links = nearest((centred @ axes.T).astype(np.float32), start.links.shape[1])[0]
    assert (found.links == links).mean() > 0.99
    assert found.name == "pixels"
    seen = look(found.links, [found.links], k=10, candidates=[10])
    assert seen.agreement >= 0.85
    assert len(found.leaves) == 12
    for leaves, tree in zip(found.leaves, seen.trees, strict=True):
        assert np.array_equal(leaves, tree.leaves)


def test_else_contours_where_neighbours_are_of_one_cluster_else_neither(
    out_of_place: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = start_of(out_of_place)
    related = kinship(start.look.clusters, start.links[:, :5])
    for least, name in ((related, "contours"), (related + 1e-6, "")):
        monkeypatch.setattr(evidence, "KINSHIP", least)
        found = find_evidence(out_of_place, start.rows, start, DEVICE, seed=0)
        assert found.name == name
        assert found.links is start.links
        assert found.leaves == []


def test_kinship_by_hand() -> None:
    clusters = np.array([0, 0, 1, 1])
    assert kinship(clusters, np.array([[1], [0], [3], [2]])) == 1
    assert kinship(clusters, np.array([[2], [3], [0], [1]])) == -1
    assert kinship(clusters, np.array([[1, 2], [0, 3], [3, 0], [2, 1]])) == 0
    # 2 of 3 in one cluster by chance 5/9; 5 of 6 neighbours are: (5/6 - 5/9) / (4/9)
    assert kinship(np.array([0, 0, 1]), np.array([[1, 1], [0, 0], [2, 0]])) == pytest.approx(0.625)
    assert kinship(np.zeros(3, int), np.array([[1], [2], [0]])) == 1
