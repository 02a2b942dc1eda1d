"""How long this machine would learn from a pile: a few steps are timed, all are counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from pictree.clustering.instant import DRAWN, WHOLE
from pictree.device import Device
from pictree.networks import inference
from pictree.networks.autoencoder import Autoencoder, build
from pictree.pipeline.learn import images_shown
from pictree.recipes.recipe import Recipe
from pictree.training import rounds
from pictree.training.loop import train
from pictree.training.naming import Names, learn_names

_STEPS = 2
_LEAVES = (100, 100, 100, 100)
"""Names of an image's leaves, made up: heads are a small part of a step."""
_LEAST_SECONDS = 0.25


def learning_seconds(
    model: Autoencoder, pixels: np.ndarray, images: int, recipe: Recipe, device: Device
) -> float | None:
    """Return for how long this machine would learn.

    Parameters
    ----------
    model : Autoencoder
        The recipe's first network; changed.
    pixels : uint8 (n, h, w, c)
        A sample.
    images : int
        Of the pile, usable.
    recipe : Recipe
    device : Device

    Returns
    -------
    float or None
        None for a recipe whose learning is not timed here.
    """
    if recipe.learning not in (None, "rounds"):
        return None
    seconds, settings = 0.0, recipe.training
    if settings.optimizer != "closed-form":  # that one takes seconds, whatever the pile
        few, once = pixels[: _STEPS * settings.batch_size], replace(settings, epochs=1)
        took = _second_time(lambda: train(model, few, once, device, seed=0))
        seconds += took / len(few) * images_shown(images, settings.epochs)
    if recipe.learning == "rounds":
        seconds += _rounds(pixels, images, recipe, device)
    return seconds


def _rounds(pixels: np.ndarray, images: int, recipe: Recipe, device: Device) -> float:
    """Return the seconds of the steps of all rounds, and of the last network's codes of all."""
    part = recipe.rounds
    height, width, channels = (int(side) for side in pixels.shape[1:])
    model = build(rounds.plan((height, width, channels), part.code), 0)
    few = pixels[: _STEPS * part.batch_size]
    rows = np.arange(len(few))
    names = Names(rows, [rows % n for n in _LEAVES], rows % 10, np.ones(len(few), np.float32))
    short = replace(part, images=len(few), growth=0.0)
    took = _second_time(lambda: learn_names(model, few, names, short, device, seed=0))
    drawn = images if images <= WHOLE else DRAWN
    return took / len(few) * rounds.images_shown(drawn, part) + images / coded_per_second(
        model, pixels, device
    )


def coded_per_second(model: Autoencoder, pixels: np.ndarray, device: Device) -> float:
    """Return of how many images a second this machine computes codes and errors."""

    def code() -> None:
        inference.encode(model, pixels, device)
        inference.reconstruction_errors(model, pixels, device)

    return len(pixels) / _second_time(code, least=_LEAST_SECONDS)


def _second_time(work: Callable[[], Any], least: float = 0.0) -> float:
    """Return the seconds that something takes when the first time has set all up.

    Repeated until `least` seconds are over: what is over at once can't be timed.
    """
    work()
    start, times = time.perf_counter(), 0
    while not times or time.perf_counter() - start < least:
        work()
        times += 1
    return (time.perf_counter() - start) / times
