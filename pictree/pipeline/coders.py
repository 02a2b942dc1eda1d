"""How new pictures get codes in a finished run: by its network, its features, or from outside."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import polars as pl

from pictree.device import choose_device
from pictree.features.extract import extract
from pictree.manifest import refuse_changed
from pictree.networks import inference, weights
from pictree.pipeline import features
from pictree.pipeline.codes import GivenCodes, has_autoencoder
from pictree.recipes.recipe import parse_recipe
from pictree.store import Run

MODEL_FILES = ("model/model.json", "model/encoder.safetensors", "model/decoder.safetensors")


class Coder(Protocol):
    """What makes the codes of new pictures."""

    def codes(self, inventory: pl.DataFrame, pixels: np.ndarray) -> np.ndarray:
        """Return the codes of the used pictures of an inventory, float32 (m, code size)."""

    def errors(self, pixels: np.ndarray) -> np.ndarray | None:
        """Return the reconstruction error of each, float32 (m,); None where nothing draws."""


def coder_of(run: Run, given: GivenCodes | None, first_id: int, network: str | None) -> Coder:
    """Open what makes the codes of new pictures.

    Parameters
    ----------
    run : Run
    given : GivenCodes, optional
        For a run on given codes.
    first_id : int
        Id of the first new picture.
    network : str, optional
        For a run on features: where the network is now; see `pictree.pipeline.features.reopen`.
    """
    if given is not None:
        return _Given(given, first_id)
    return _Own(run) if has_autoencoder(run) else _Seen(run, network)


class _Given:
    def __init__(self, given: GivenCodes, first_id: int) -> None:
        self._given, self._first_id = given, first_id

    def codes(self, inventory: pl.DataFrame, pixels: np.ndarray) -> np.ndarray:
        ids = inventory.filter(pl.col("outcome") == "used")["id"]
        return self._given.take(ids.to_numpy().astype(np.int64) - self._first_id)

    def errors(self, pixels: np.ndarray) -> np.ndarray | None:
        return None


class _Own:
    def __init__(self, run: Run) -> None:
        self._device = choose_device("float32")
        refuse_changed(run.path, MODEL_FILES)
        self._model = weights.load(run.path / "model")

    def codes(self, inventory: pl.DataFrame, pixels: np.ndarray) -> np.ndarray:
        return inference.encode(self._model, pixels, self._device)

    def errors(self, pixels: np.ndarray) -> np.ndarray | None:
        if not len(pixels):
            return np.zeros(0, np.float32)
        return inference.reconstruction_errors(self._model, pixels, self._device)


class _Seen:
    def __init__(self, run: Run, network: str | None) -> None:
        if (run.path / features.WEIGHTS).exists():
            refuse_changed(run.path, [features.WEIGHTS])
        self._run = run
        self._extractor, self._device = features.reopen(run, network), features.device_as(run)
        text = (run.path / "recipe.toml").read_text(encoding="utf-8")
        self._side = features.side_of(parse_recipe(text, name=run.info["recipe"]))

    def codes(self, inventory: pl.DataFrame, pixels: np.ndarray) -> np.ndarray:
        boxes = features.boxes_of(self._run, inventory)
        return extract(self._extractor, pixels, self._device, side=self._side, boxes=boxes)

    def errors(self, pixels: np.ndarray) -> np.ndarray | None:
        return None
