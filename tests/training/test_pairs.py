"""Pairs: the information by hand, sure images, better after than before, stopped and resumed."""

from __future__ import annotations

from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from pictree.clustering.instant import InstantTree, instant_tree
from pictree.clustering.merge import mutual_information
from pictree.device import Device
from pictree.errors import RunError
from pictree.evaluation.agreement import score
from pictree.networks import inference
from pictree.networks.autoencoder import build
from pictree.recipes.parts import PairsPart
from pictree.training.learned import Learned
from pictree.training.pairs import images_shown, learn_pairs, paired_information, sure_images

CPU = Device("cpu", "float32", 1, "")
SHORT = PairsPart(epochs=3, self_epochs=3, images=8_000, batch_size=128, code=64, change=1.5)
TINY = PairsPart(epochs=2, self_epochs=2, images=1_024, code=16)


def information(p: list[list[float]], q: list[list[float]], entropy: float = 1.0) -> float:
    return paired_information(torch.tensor(p), torch.tensor(q), entropy).item()


def test_sure_names_that_partners_share_tell_all() -> None:
    sure = [[1.0, 0.0], [0.0, 1.0]]
    assert information(sure, sure) == pytest.approx(log(2), abs=1e-6)
    assert information(sure, sure, entropy=3.0) == pytest.approx(5 * log(2), abs=1e-6)


def test_the_information_of_a_joint_by_hand() -> None:
    # Joint 3/8 1/8 over 1/8 3/8: each name has half, so 3/4 log(3/2) + 1/4 log(1/2).
    p = [[1.0, 0.0], [0.0, 1.0]]
    q = [[0.75, 0.25], [0.25, 0.75]]
    expected = 0.75 * log(1.5) + 0.25 * log(0.5)
    assert information(p, q) == pytest.approx(expected, abs=1e-6)
    assert information(p, q, entropy=2.0) == pytest.approx(expected + 2 * log(2), abs=1e-6)


def test_one_name_for_all_tells_nothing() -> None:
    assert information([[1.0, 0.0]] * 3, [[1.0, 0.0]] * 3) == pytest.approx(0.0, abs=1e-6)


def test_it_agrees_with_the_information_of_the_merging() -> None:
    rng = np.random.default_rng(0)
    p, q = rng.dirichlet(np.ones(5), 40), rng.dirichlet(np.ones(5), 40)
    joint = (p.T @ q + q.T @ p) / 80
    assert information(p.tolist(), q.tolist()) == pytest.approx(mutual_information(joint), abs=1e-5)


def test_the_gradient_is_that_of_small_steps() -> None:
    rng = np.random.default_rng(1)
    p, q = (torch.from_numpy(rng.dirichlet(np.ones(3), 6)) for _ in range(2))
    step = 1e-3
    p = p.float().requires_grad_()
    paired_information(p, q, 1.5).backward()
    up, down = p.detach().clone(), p.detach().clone()
    up[2, 1] += step
    down[2, 1] -= step
    by_steps = (paired_information(up, q, 1.5) - paired_information(down, q, 1.5)) / (2 * step)
    assert p.grad is not None
    assert p.grad[2, 1].item() == pytest.approx(by_steps.item(), rel=1e-2)


def test_half_of_each_cluster_is_sure_at_least() -> None:
    clusters = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    confidence = np.array([0.9, 0.85, 0.95, 0.3, 0.5, 0.4, 0.6, 0.3])
    assert sure_images(clusters, confidence, 0.8).tolist() == [0, 1, 2, 4, 6]
    assert sure_images(clusters, confidence, 0.0).tolist() == list(range(8))


def test_images_are_counted_as_often_as_they_are_shown() -> None:
    assert images_shown(1797, SHORT) == 6 * 63 * 128
    assert images_shown(100, SHORT) == 6 * 8_000
    assert images_shown(20_000, SHORT) == 6 * 157 * 128


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, list[str]]:
    """1,797 digits of 8×8."""
    found = load_digits()
    pixels = np.rint(found.images * 255 / 16).astype(np.uint8)[..., None]
    return pixels, [str(label) for label in found.target]


@pytest.fixture(scope="module")
def before(small: tuple) -> InstantTree:
    return instant_tree(small[0].reshape(len(small[0]), -1) / 255, k=10)


@pytest.fixture(scope="module")
def after(small: tuple, before: InstantTree) -> Learned:
    return learn_pairs(small[0], before.start, SHORT, CPU, k=10)


def test_good_before_better_after(small: tuple, before: InstantTree, after: Learned) -> None:
    assert after.is_better
    assert after.agreement > after.started
    assert score(after.clusters, small[1])["nmi"] > score(before.clusters, small[1])["nmi"]
    assert np.array_equal(after.tree.cut(10), after.clusters)
    assert [row["epoch"] for row in after.history] == [1, 2, 3, 4, 5, 6]


def test_it_stays_an_autoencoder(small: tuple, after: Learned) -> None:
    fresh = build(after.model.architecture, 1)
    errors = [
        inference.reconstruction_errors(m, small[0], CPU).mean() for m in (after.model, fresh)
    ]
    assert errors[0] < 0.5 * errors[1]


@pytest.fixture(scope="module")
def undisturbed(small: tuple, before: InstantTree) -> Learned:
    return learn_pairs(small[0], before.start, TINY, CPU, k=10)


@pytest.mark.parametrize(
    "epoch", [3, *(pytest.param(epoch, marks=pytest.mark.slow) for epoch in (1, 2))]
)
def test_stopped_learning_goes_on_to_the_same_names(
    tmp_path: Path, small: tuple, before: InstantTree, undisturbed: Learned, epoch: int
) -> None:
    def stop(row: dict[str, Any]) -> None:
        if row["epoch"] == epoch:
            raise KeyboardInterrupt

    words: dict[str, Any] = {"k": 10, "checkpoint": tmp_path}
    with pytest.raises(KeyboardInterrupt):
        learn_pairs(small[0], before.start, TINY, CPU, on_epoch=stop, **words)
    again = learn_pairs(small[0], before.start, TINY, CPU, **words)
    assert again.confidence.tobytes() == undisturbed.confidence.tobytes()
    assert np.array_equal(again.tree.leaves, undisturbed.tree.leaves)
    assert again.history == undisturbed.history


def test_a_checkpoint_of_another_length_is_refused(
    tmp_path: Path, small: tuple, before: InstantTree
) -> None:
    short = PairsPart(epochs=1, self_epochs=1, images=256, code=8)
    learn_pairs(
        small[0][:300],
        instant_tree(rows_of(small[0][:300]), k=3).start,
        short,
        CPU,
        k=3,
        checkpoint=tmp_path,
    )
    with pytest.raises(RunError) as caught:
        learn_pairs(small[0], before.start, short, CPU, k=10, checkpoint=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold checkpoints of this training; got other values of clusters, images. "
        "Use the same values, or another run folder."
    )


def rows_of(pixels: np.ndarray) -> np.ndarray:
    return pixels.reshape(len(pixels), -1) / 255


@pytest.mark.parametrize("shape", [(3, 3, 1), (17, 9, 3), (64, 64, 3)])
def test_images_of_all_sizes_and_colours_are_taken(shape: tuple[int, int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, *shape), dtype=np.uint8)
    start = instant_tree(rows_of(pixels), k=3).start
    settings = PairsPart(epochs=1, images=40, crop=0.5, colour=1.0)
    found = learn_pairs(pixels, start, settings, CPU, k=3)
    assert len(np.unique(found.clusters)) == 3


def test_windows_and_colours_are_learned_from_where_they_are_asked_for() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9, 9, 3), dtype=np.uint8)
    start = instant_tree(rows_of(pixels), k=3).start
    losses = {
        learn_pairs(pixels, start, settings, CPU, k=3).history[0]["loss"]
        for settings in (
            PairsPart(epochs=1, images=40),
            PairsPart(epochs=1, images=40, crop=0.5),
            PairsPart(epochs=1, images=40, colour=1.0),
        )
    }
    assert len(losses) == 3
