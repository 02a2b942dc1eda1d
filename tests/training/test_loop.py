from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from pictree.device import Device
from pictree.errors import InputError, RunError
from pictree.networks.autoencoder import Architecture, build
from pictree.networks.inference import reconstruction_errors
from pictree.recipes.recipe import Training
from pictree.training.loop import train

CPU = Device("cpu", "float32", 1, "")
QUICK = Training(epochs=3, batch_size=64, learning_rate=0.005)
ARCHITECTURE = Architecture((28, 28, 1), (16, 2), (2, 16))


@pytest.fixture(scope="module")
def pixels(digits):
    return digits[0][:600, :, :, None]


def trained(pixels, settings=QUICK, seed=0, architecture=ARCHITECTURE, **options):
    model = build(architecture, seed=seed)
    history = train(model, pixels, settings, CPU, seed=seed, **options)
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}, history


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adadelta"])
@pytest.mark.parametrize(("loss", "output"), [("bce", "sigmoid"), ("mse", "linear")])
def test_loss_falls_on_real_digits(pixels, optimizer, loss, output):
    rate = 1.0 if optimizer == "adadelta" else 0.005
    settings = Training(loss=loss, optimizer=optimizer, learning_rate=rate, epochs=3, batch_size=32)
    _, history = trained(pixels, settings, architecture=replace(ARCHITECTURE, output=output))
    losses = [row["loss"] for row in history]
    assert losses[2] < losses[1] < losses[0]
    assert losses[2] < 0.7 * losses[0]


def test_images_are_restored_better_than_before(pixels):
    model = build(ARCHITECTURE, seed=0)
    before = reconstruction_errors(model, pixels, CPU)
    train(model, pixels, QUICK, CPU, seed=0)
    after = reconstruction_errors(model, pixels, CPU)
    assert after.mean() < 0.5 * before.mean()


def test_losses_are_the_hand_computed_ones():
    dark = build(Architecture((4, 4, 1), (2,), (2,)), 0)
    for parameter in dark.parameters():
        torch.nn.init.zeros_(parameter)
    pixels, rows = np.full((3, 4, 4, 1), 255, np.uint8), np.arange(3)
    frozen = Training(epochs=1, batch_size=2, learning_rate=1e-9)
    history = train(dark, pixels, frozen, CPU, seed=0, validation=(pixels, rows))
    assert history[0]["loss"] == pytest.approx(np.log(2), rel=1e-6)  # logit 0 everywhere
    assert history[0]["validation_loss"] == pytest.approx(np.log(2), rel=1e-6)
    frozen = replace(frozen, loss="mse")
    assert train(dark, pixels, frozen, CPU, seed=0)[0]["loss"] == pytest.approx(0.25, rel=1e-6)


def test_history_has_a_row_for_each_epoch(pixels):
    seen = []
    rows = np.arange(100)
    _, history = trained(pixels, train_rows=rows, validation=(pixels, None), on_epoch=seen.append)
    assert seen == history
    assert [row["epoch"] for row in history] == [1, 2, 3]
    assert list(history[0]) == ["epoch", "loss", "validation_loss", "seconds"]
    assert trained(pixels, train_rows=rows)[1][0]["validation_loss"] is None


def test_one_seed_gives_the_same_bytes_and_leaves_global_state_alone(pixels):
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    first, _ = trained(pixels)
    assert same(first, trained(pixels)[0])
    assert not same(first, trained(pixels, seed=1)[0])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_floats_and_bytes_train_alike(pixels):
    floats = (pixels / np.float32(255)).astype(np.float32)
    np.testing.assert_allclose(
        [row["loss"] for row in trained(pixels)[1]],
        [row["loss"] for row in trained(floats)[1]],
        rtol=1e-4,
    )


@pytest.mark.parametrize("optimizer", ["adam", "adamw", "adadelta"])
def test_a_resumed_training_ends_as_an_undisturbed_one(pixels, tmp_path, optimizer):
    settings = replace(QUICK, optimizer=optimizer)
    whole, _ = trained(pixels, settings)
    counts: list[int] = []

    def stop_in_the_second_epoch(images):
        counts.append(images)
        if sum(counts) > 900:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(pixels, settings, checkpoint=tmp_path, on_batch=stop_in_the_second_epoch)
    resumed: list[int] = []
    again, history = trained(pixels, settings, checkpoint=tmp_path, on_batch=resumed.append)
    assert resumed[0] == 600  # the finished epoch
    assert sum(resumed) == 1800
    assert same(whole, again)
    assert [row["epoch"] for row in history] == [1, 2, 3]


def test_a_finished_training_is_not_repeated_and_may_be_made_longer(pixels, tmp_path):
    first, _ = trained(pixels, checkpoint=tmp_path)
    batches: list[int] = []
    again, _ = trained(pixels, checkpoint=tmp_path, on_batch=batches.append)
    assert batches == [1800]
    assert same(first, again)
    longer = replace(QUICK, epochs=4)
    assert same(trained(pixels, longer, checkpoint=tmp_path)[0], trained(pixels, longer)[0])


def test_the_previous_checkpoint_serves_when_the_last_is_gone(pixels, tmp_path):
    whole, _ = trained(pixels, checkpoint=tmp_path)
    (tmp_path / "last.safetensors").unlink()
    batches: list[int] = []
    again, _ = trained(pixels, checkpoint=tmp_path, on_batch=batches.append)
    assert batches[0] == 1200
    assert same(whole, again)


def test_a_checkpoint_of_another_training_is_refused_in_whole(pixels, tmp_path):
    trained(pixels, checkpoint=tmp_path)
    with pytest.raises(RunError) as caught:
        trained(pixels, replace(QUICK, batch_size=65, epochs=2), seed=1, checkpoint=tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} must hold checkpoints of this training; "
        "got other values of seed, training.batch_size, training.epochs. "
        "Use the same values, or another run folder."
    )


@pytest.mark.parametrize("content", [b"", b"\0" * 100])
def test_a_torn_checkpoint_is_named(pixels, tmp_path, content):
    path = tmp_path / "last.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError) as caught:
        trained(pixels, checkpoint=tmp_path)
    assert str(caught.value).startswith(f"{path} must be a whole checkpoint; got ")
    assert str(caught.value).endswith(". Delete it to train from the start.")


def test_a_loss_that_is_no_number_ends_in_one_sentence(pixels):
    broken = np.full((4, 28, 28, 1), np.nan, np.float32)
    with pytest.raises(InputError) as caught:
        trained(broken)
    assert str(caught.value) == (
        "the loss must stay finite; got nan. "
        "Lower training.learning_rate, and check the images for NaN."
    )


def test_no_image_and_odd_combinations_are_refused_in_whole(pixels):
    with pytest.raises(InputError) as caught:
        trained(pixels, train_rows=np.arange(0))
    assert str(caught.value) == "training needs at least 1 image; got 0. Add pictures."
    with pytest.raises(InputError) as caught:
        trained(pixels, architecture=replace(ARCHITECTURE, output="linear"))
    assert str(caught.value) == (
        "loss and output must be bce with sigmoid, mse with sigmoid, or mse with linear; "
        "got 'bce' with 'linear'. Choose one of the three."
    )


@pytest.mark.parametrize("shape", [(3, 3, 1), (5, 7, 3), (1, 1, 1)])
def test_tiny_images_train(shape):
    pixels = np.random.default_rng(0).integers(0, 256, (40, *shape), dtype=np.uint8)
    _, history = trained(
        pixels, architecture=Architecture(shape, (16, 8, 8), (8, 8, 16), 2), settings=QUICK
    )
    assert history[-1]["loss"] < history[0]["loss"]


@pytest.mark.slow
def test_bfloat16_and_the_fast_forms_keep_the_result(digits):
    pixels = digits[0][:, :, :, None]
    architecture, settings = Architecture((28, 28, 1), (32, 32), (32, 32)), Training(epochs=2)
    losses = {}
    for name in ("plain", "float32", "bfloat16"):
        model = build(architecture, seed=0)
        for layer in model.modules():
            if name == "plain" and hasattr(layer, "plain"):
                layer.forward = layer.plain
        device = Device("cpu", "bfloat16" if name == "bfloat16" else "float32", 2, "")
        rows = np.arange(len(pixels))
        history = train(model, pixels, settings, device, seed=0, validation=(pixels, rows))
        losses[name] = history[-1]["validation_loss"]
    assert losses["float32"] == pytest.approx(losses["plain"], abs=0.0005)
    assert losses["bfloat16"] == pytest.approx(losses["plain"], abs=0.0005)
