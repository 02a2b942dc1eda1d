"""Stages 2 and 3: train the autoencoder; codes, errors and some reconstructions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from pictree.device import Device, choose_device
from pictree.engine.base import Engine, Local
from pictree.errors import InputError
from pictree.networks import inference, summary, weights
from pictree.networks.autoencoder import Architecture, Autoencoder, build, limited
from pictree.pipeline.together import learn_together, parts_of_batches
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe, Training
from pictree.store import Run
from pictree.training.linear import fit_linear
from pictree.training.loop import train
from pictree.training.together import Share

SAMPLE = 1_000_000
"""Of more images the epochs show this many, drawn at random, the same in each epoch."""

_SHOWN = 12
"""Reconstructions kept of each kind: best, median, worst."""


def device_for(recipe: Recipe) -> Device:
    """Return the device and number format for a recipe's network."""
    widths = (*recipe.network.encoder, *recipe.network.decoder)
    # Without convolutions there is nothing for bfloat16 to save.
    return choose_device(recipe.training.precision, widths or (1,))


def splits(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows (of the used images) that train, and those that validate."""
    is_train = (run.used()["split"] == "train").to_numpy()
    return np.flatnonzero(is_train), np.flatnonzero(~is_train)


def rows_to_learn(run: Run, settings: Training, seed: int) -> np.ndarray:
    """Return the rows that the epochs show: those of the train split, or `SAMPLE` of them."""
    rows, _ = splits(run)
    if settings.optimizer == "closed-form" or len(rows) <= SAMPLE:
        return rows  # that one draws for itself
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))


def images_shown(images: int, epochs: int) -> int:
    """Return how many images are shown in training, each as often as it is shown."""
    return epochs * min(images, SAMPLE)


def learn(
    run: Run,
    recipe: Recipe,
    device: Device,
    seed: int,
    progress: Progress,
    engine: Engine | None = None,
) -> None:
    """Train the recipe's network on the used images of the train split; write model/, log.jsonl.

    Of very many images some are drawn (`SAMPLE`). An engine of several machines trains by all of
    them; see `pictree.pipeline.together`.

    Raises
    ------
    InputError
        If no image is left to train on.
    """
    train_rows, _ = splits(run)
    if len(train_rows) == 0:
        raise InputError(
            "Training needs at least one usable picture that is not for validation",
            got="none",
            do="Add pictures, or leave --validation out",
        )
    model = _build(run, recipe, len(train_rows), seed)
    progress.say(summary.render(summary.layer_table(model)))
    epochs, settings = recipe.training.epochs, recipe.training
    parts = parts_of_batches(run, model, settings, device, engine)
    if parts and engine is not None:
        share = partial(train_share, run.path, recipe, device, seed)
        tell = partial(_tell, progress, epochs)
        learn_together(engine, run.path / "checkpoints", share, parts, epochs, progress, tell)
    progress.start("training", images_shown(len(train_rows), epochs))
    history = _train(
        run,
        model,
        settings,
        device,
        seed,
        on_epoch=partial(_tell, progress, epochs),
        on_batch=progress.advance,
        share=Share(parts) if parts else None,
    )
    progress.close()
    weights.save(model, run.path / "model")
    run.write_log(history)


def _train(
    run: Run, model: Autoencoder, settings: Training, device: Device, seed: int, **options: Any
) -> list[dict[str, Any]]:
    """Train on the run's images, from its last checkpoint on."""
    pixels, (_, validation_rows) = run.array("pixels"), splits(run)
    return train(
        model,
        pixels,
        settings,
        device,
        seed=seed,
        train_rows=rows_to_learn(run, settings, seed),
        validation=(pixels, validation_rows) if len(validation_rows) else None,
        checkpoint=run.path / "checkpoints",
        **options,
    )


def train_share(
    folder: Path, recipe: Recipe, device: Device, seed: int, epochs: int, share: Share
) -> int:
    """Train until so many epochs are done, as one of several processes; return how many images."""
    run = Run(folder, fitted=True)
    images = len(splits(run)[0])
    model = _build(run, recipe, images, seed)
    _train(run, model, replace(recipe.training, epochs=epochs), device, seed, share=share)
    return images


def linear_codes(pixels: np.ndarray, recipe: Recipe, seed: int) -> np.ndarray:
    """Return the codes of some images by a recipe's linear autoencoder, learned from these."""
    height, width, channels = (int(side) for side in pixels.shape[1:])
    asked = limited(architecture_of((height, width, channels), recipe), len(pixels))
    model, device = build(asked, seed), choose_device("float32")
    fit_linear(model, pixels, device, seed=seed, train_rows=np.arange(len(pixels)))
    return inference.encode(model, pixels, device)


def linear_again(run: Run, recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and errors of a linear autoencoder on the pixels, as nothing else was learned.

    Contours left out: an odd picture is one that the others' pixels can't make up.
    """
    rows, seed, device = splits(run.fitted())[0], run.info["seed"], choose_device("float32")
    recipe = replace(recipe, network=replace(recipe.network, contours=False))
    model, pixels = _build(run, recipe, len(rows), seed), run.array("pixels")
    fit_linear(model, pixels, device, seed=seed, train_rows=rows)
    codes = inference.encode(model, pixels, device)
    return codes, inference.reconstruction_errors(model, pixels, device)


def _build(run: Run, recipe: Recipe, images: int, seed: int) -> Autoencoder:
    fmt = run.info["image_format"]
    shape = (fmt["height"], fmt["width"], fmt["channels"])
    return build(limited(architecture_of(shape, recipe), images), seed)


def architecture_of(shape: tuple[int, int, int], recipe: Recipe) -> Architecture:
    """Return the recipe's network for images of this height, width and number of channels."""
    return Architecture(
        image_shape=shape,
        encoder=recipe.network.encoder,
        decoder=recipe.network.decoder,
        code=recipe.network.code,
        output=recipe.network.output,
        contours=recipe.network.contours,
    )


def _tell(progress: Progress, epochs: int, row: dict[str, Any]) -> None:
    text = f"epoch {row['epoch']} of {epochs}, loss {row['loss']:.4f}"
    if row["validation_loss"] is not None:
        text += f", validation {row['validation_loss']:.4f}"
    progress.note(text)
    progress.figures(row)


def encode(run: Run, device: Device, progress: Progress, engine: Engine | None = None) -> None:
    """Write codes and reconstruction errors shard by shard, then some reconstructions."""
    progress.start("computing codes", len(run.array("pixels")))
    work = partial(encode_shard, run.path, device)
    for receipt in (engine or Local()).map(work, range(run.shard_count("pixels"))):
        progress.advance(receipt.images)
    progress.close()
    keep_reconstructions(run, weights.load(run.path / "model"), device)


def encode_shard(folder: Path, device: Device, shard: int) -> int:
    """Write what is not there of one shard's codes and errors; return how many it has."""
    run = Run(folder, fitted=True)
    model, pixels = weights.load(run.path / "model"), run.read_array("pixels", shard)
    if not run.shard_file("codes", shard).exists():
        run.write_array("codes", shard, inference.encode(model, pixels, device))
    if not run.shard_file("errors", shard).exists():
        errors = inference.reconstruction_errors(model, pixels, device)
        run.write_array("errors", shard, errors)
    return len(pixels)


def keep_reconstructions(run: Run, model: Autoencoder, device: Device) -> None:
    """Write reconstructions.npz: the best, the middle and the worst restored images."""
    errors = run.array("errors")[:]
    order = np.argsort(errors, kind="stable")
    shown = min(_SHOWN, max(1, len(order) // 3))
    middle = (len(order) - shown) // 2
    rows = np.concatenate([order[:shown], order[middle : middle + shown], order[-shown:]])
    images = inference.decode(model, run.array("codes")[rows], device)
    run.write_arrays(
        "reconstructions.npz",
        {"rows": rows, "reconstructions": to_uint8(images), "errors": errors[rows]},
    )


def to_uint8(images: np.ndarray) -> np.ndarray:
    """Turn images in [0, 1] into uint8."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)
