"""In place of stages 2 and 3: features of a network that was trained elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import safetensors.torch

from pictree.device import Device, choose_device
from pictree.errors import InputError
from pictree.features.base import About, Extractor, TorchExtractor
from pictree.features.extract import extract
from pictree.features.open import open_features
from pictree.features.packaged import NAME as PACKAGED
from pictree.features.packaged import extractor_of
from pictree.files import write_bytes
from pictree.images.base import printable
from pictree.images.decode import inner_boxes
from pictree.networks.efficientnet_lite import from_folded
from pictree.networks.weights import read_tensors, to_cpu
from pictree.pipeline.stock import image_format
from pictree.progress import Progress
from pictree.recipes.recipe import Recipe
from pictree.store import Run

WEIGHTS = "model/features.safetensors"
"""A run's own copy of the packaged weights: 14 MB under Apache-2.0. Other networks' weights stay
where they are: they may be large, and theirs is another licence."""


def open_for(recipe: Recipe) -> Extractor | None:
    """Open the network that a recipe names, or none."""
    return open_features(recipe.features.network) if recipe.features.network else None


def take(
    run: Run, extractor: Extractor | None, recipe: Recipe, device: Device, progress: Progress
) -> None:
    """Write the features of the used images as their codes, shard by shard.

    Parameters
    ----------
    run : Run
    extractor : Extractor, optional
        The one that the run began with, opened again, if not given; see `reopen`.
    recipe : Recipe
    device : Device
    progress : Progress
    """
    extractor = extractor or reopen(run)
    if extractor.about.network == PACKAGED and isinstance(extractor, TorchExtractor):
        tensors = to_cpu(extractor.module.float().state_dict())
        (run.path / "model").mkdir(exist_ok=True)
        write_bytes(run.path / WEIGHTS, safetensors.torch.save(tensors))
    progress.start("looking at the pictures", len(run.array("pixels")))
    for shard in range(run.shard_count("pixels")):
        pixels = run.read_array("pixels", shard)
        if run.shard_file("codes", shard).exists():
            progress.advance(len(pixels))
            continue
        found = extract(
            extractor,
            pixels,
            device,
            side=side_of(recipe),
            boxes=boxes_of(run, run.read_table("images", shard)),
            on_batch=progress.advance,
        )
        run.write_array("codes", shard, found)
    progress.close()


def boxes_of(run: Run, inventory: pl.DataFrame) -> np.ndarray:
    """Return where the used pictures of an inventory lie in their frames; see `inner_boxes`."""
    used = inventory.filter(pl.col("outcome") == "used")
    return inner_boxes(used["width"].to_numpy(), used["height"].to_numpy(), image_format(run))


def side_of(recipe: Recipe) -> int | None:
    """Return the longest side in which images are shown, where the recipe says so."""
    return None if recipe.features.side == "auto" else int(recipe.features.side)


def device_as(run: Run) -> Device:
    """Return a device with the number format that the run's features were computed in."""
    return choose_device(run.info["device"]["precision"])


def reopen(run: Run, network: str | None = None) -> Extractor:
    """Open the network that made a run's features again.

    Parameters
    ----------
    run : Run
        A run on features.
    network : str, optional
        Where it is now; the run's own copy, or where it was, if not given.

    Returns
    -------
    Extractor

    Raises
    ------
    InputError
        If its weights are others.
    MissingExtraError
        If its extra is absent.
    """
    about = About.from_json(run.info["features"])
    if network is None and (run.path / WEIGHTS).exists():
        return extractor_of(from_folded(read_tensors(run.path / WEIGHTS)))
    found = open_features(network or about.network)
    if found.about.sha256 != about.sha256:
        raise InputError(
            "new pictures must be seen by the network that saw those of the fit",
            got=f"other weights in {printable(network or about.network)}",
            do="Pass the same weights by --features",
        )
    return found
