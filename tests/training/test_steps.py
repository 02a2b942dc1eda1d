"""The order of images, the cycle of the step size, and learning under random changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Architecture, build
from pictree.recipes.parts import Training
from pictree.training.loop import train
from pictree.training.steps import one_cycle, shuffled

CPU = Device("cpu", "float32", 1, "")


def test_every_number_comes_before_any_comes_again() -> None:
    order = shuffled(7, 17, np.random.default_rng(0))
    assert len(order) == 17
    assert sorted(order[:7]) == sorted(order[7:14]) == list(range(7))
    assert len(set(order[14:])) == 3
    assert order[:7].tolist() != order[7:14].tolist()


def test_the_cycle_rises_and_falls_by_hand() -> None:
    assert one_cycle(0.0, 0.5, warm_up=0.2) == pytest.approx(0.02)
    assert one_cycle(0.1, 0.5, warm_up=0.2) == pytest.approx(0.26)
    assert one_cycle(0.2, 0.5, warm_up=0.2) == pytest.approx(0.5)
    assert one_cycle(0.6, 0.5, warm_up=0.2) == pytest.approx(0.25)
    assert one_cycle(1.0, 0.5, warm_up=0.2) == pytest.approx(0.0)


def weights(pixels: np.ndarray, settings: Training, checkpoint: Path | None = None) -> torch.Tensor:
    model = build(Architecture((28, 28, 1), (4,), (4,), 8, "linear"), 0)
    train(model, pixels, settings, CPU, seed=0, checkpoint=checkpoint)
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def test_changed_images_are_learned_the_same_after_a_stop(digits: tuple, tmp_path: Path) -> None:
    pixels = digits[0][:300, :, :, None]
    settings = Training(loss="mse", epochs=3, batch_size=64, change=2.0)
    whole = weights(pixels, settings)
    weights(pixels, replace(settings, epochs=2), tmp_path)
    assert torch.equal(weights(pixels, settings, tmp_path), whole)
    assert not torch.equal(weights(pixels, replace(settings, change=0.0)), whole)


def test_weights_that_are_lost_are_told_where_compiled_code_learns(digits: tuple) -> None:
    model = build(Architecture((28, 28, 1), (4,), (4,), 8, "linear"), 0)
    with torch.no_grad():
        model.encoder.stages[0].bias.fill_(torch.nan)
    settings = Training(loss="mse", epochs=1, batch_size=64)
    with pytest.raises(InputError) as caught:
        train(model, digits[0][:100, :, :, None], settings, CPU, seed=0)
    assert str(caught.value) == (
        "the loss must stay finite; got nan. "
        "Lower training.learning_rate, and check the images for NaN."
    )
