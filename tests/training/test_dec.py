"""Deep embedded clustering: its values by hand, better after than before, stopped and resumed."""

from __future__ import annotations

import copy
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from pictree.clustering.flat import FlatClusters, fit_clusters, from_centres
from pictree.device import Device
from pictree.errors import RunError
from pictree.evaluation.agreement import score
from pictree.networks import inference
from pictree.networks.autoencoder import Architecture, Autoencoder, build
from pictree.recipes.parts import DecPart, Training
from pictree.training.dec import Refined, divergence, refine, soft_assignment, target_of
from pictree.training.loop import train

CPU = Device("cpu", "float32", 1, "")
SHORT = DecPart(updates=6, interval=40, batch_size=128, gamma=1.0)


def test_the_soft_assignment_by_hand() -> None:
    codes, centres = torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [2.0]])
    expected = torch.tensor([[5 / 6, 1 / 6], [1 / 2, 1 / 2]])
    torch.testing.assert_close(soft_assignment(codes, centres), expected)


def test_the_target_by_hand() -> None:
    # Cluster weights 4/3 and 2/3; squares over weights 25/48, 2/48 and 3/16, 6/16.
    found = target_of(torch.tensor([[5 / 6, 1 / 6], [1 / 2, 1 / 2]]))
    torch.testing.assert_close(found, torch.tensor([[25 / 27, 2 / 27], [1 / 3, 2 / 3]]))


def test_the_divergence_by_hand() -> None:
    target = torch.tensor([[1.0, 0.0], [1 / 3, 2 / 3]])
    assignment = torch.tensor([[1 / 4, 3 / 4], [1 / 2, 1 / 2]])
    expected = (log(4) + log(2 / 3) / 3 + log(4 / 3) * 2 / 3) / 2
    assert divergence(target, assignment).item() == pytest.approx(expected, abs=1e-6)
    assert divergence(target, target).item() == 0


def test_codes_are_pulled_as_the_paper_says() -> None:
    generator = torch.Generator().manual_seed(0)
    codes = torch.randn(7, 3, generator=generator, dtype=torch.float64).float().requires_grad_()
    centres = torch.randn(4, 3, generator=generator).requires_grad_()
    assignment = soft_assignment(codes, centres)
    target = target_of(assignment).detach()
    divergence(target, assignment).backward()
    with torch.no_grad():
        gaps = codes[:, None] - centres[None]
        pulls = (target - assignment) / (1 + gaps.square().sum(dim=2))
        of_codes = 2 * (pulls[..., None] * gaps).sum(dim=1) / 7
        of_centres = -2 * (pulls[..., None] * gaps).sum(dim=0) / 7
    torch.testing.assert_close(codes.grad, of_codes)
    torch.testing.assert_close(centres.grad, of_centres)


@pytest.fixture(scope="module")
def small() -> tuple[np.ndarray, list[str]]:
    """1,797 digits of 8×8."""
    found = load_digits()
    pixels = np.rint(found.images * 255 / 16).astype(np.uint8)[..., None]
    return pixels, [str(label) for label in found.target]


@pytest.fixture(scope="module")
def trained(small: tuple) -> Autoencoder:
    """An autoencoder that draws changed digits."""
    model = build(Architecture((8, 8, 1), (16, 32), (32, 16), 10, "linear"), 0)
    settings = Training(loss="mse", epochs=25, batch_size=128, change=1.0)
    train(model, small[0], settings, CPU, seed=0)
    return model


@pytest.fixture(scope="module")
def before(small: tuple, trained: Autoencoder) -> FlatClusters:
    return fit_clusters(inference.encode(trained, small[0], CPU), "kmeans", 10)


def refined(
    trained: Autoencoder, before: FlatClusters, small: tuple, settings: DecPart, **options: Any
) -> Refined:
    model = copy.deepcopy(trained)
    return refine(model, before.centres, small[0], settings, CPU, **options)


@pytest.fixture(scope="module")
def after(trained: Autoencoder, before: FlatClusters, small: tuple) -> Refined:
    return refined(trained, before, small, SHORT)


def test_clusters_are_better_after_than_before(
    small: tuple, before: FlatClusters, after: Refined
) -> None:
    codes = inference.encode(after.model, small[0], CPU)
    clusters = from_centres(codes, after.centres, "dec")
    ahead = score(clusters.labels, small[1])["nmi"] - score(before.labels, small[1])["nmi"]
    assert ahead > 0.02
    np.testing.assert_allclose(clusters.confidence(codes), after.confidence, rtol=1e-4)


def test_it_stays_an_autoencoder(small: tuple, trained: Autoencoder, after: Refined) -> None:
    fresh = build(trained.architecture, 1)
    errors = [
        inference.reconstruction_errors(m, small[0], CPU).mean() for m in (after.model, fresh)
    ]
    assert errors[0] < 0.5 * errors[1]


def same(one: Refined, two: Refined) -> bool:
    weights = zip(one.model.parameters(), two.model.parameters(), strict=True)
    return one.centres.tobytes() == two.centres.tobytes() and all(
        torch.equal(a, b) for a, b in weights
    )


def test_codes_known_before_and_given_after_change_nothing(
    trained: Autoencoder, before: FlatClusters, small: tuple, after: Refined
) -> None:
    codes = inference.encode(trained, small[0], CPU)
    assert same(refined(trained, before, small, SHORT, codes=codes), after)
    np.testing.assert_array_equal(after.codes, inference.encode(after.model, small[0], CPU))


@pytest.mark.parametrize("update", [1, 3])
def test_stopped_learning_goes_on_to_the_same_weights(
    tmp_path: Path,
    trained: Autoencoder,
    before: FlatClusters,
    small: tuple,
    after: Refined,
    update: int,
) -> None:
    def stop(row: dict[str, Any]) -> None:
        if row["update"] == update:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refined(trained, before, small, SHORT, checkpoint=tmp_path, on_update=stop)
    again = refined(trained, before, small, SHORT, checkpoint=tmp_path)
    assert same(again, after)
    assert again.history == after.history


def test_a_checkpoint_of_other_settings_is_refused(
    tmp_path: Path, trained: Autoencoder, before: FlatClusters, small: tuple
) -> None:
    one = replace(SHORT, updates=1, interval=1)
    refined(trained, before, small, one, checkpoint=tmp_path)
    with pytest.raises(RunError) as caught:
        refined(trained, before, small, replace(one, gamma=0.2), checkpoint=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold checkpoints of this training; got other values of training.gamma. "
        "Use the same values, or another run folder."
    )


def test_it_ends_when_few_images_change_their_cluster(
    trained: Autoencoder, before: FlatClusters, small: tuple
) -> None:
    found = refined(trained, before, small, replace(SHORT, interval=2, tolerance=1.0))
    assert len(found.history) == 1
    assert found.history[0]["changed"] < 1.0
