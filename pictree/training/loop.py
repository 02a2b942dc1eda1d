"""The training loop: one for every network, loss and optimiser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pictree.device import Device
from pictree.errors import InputError
from pictree.networks.autoencoder import Architecture, Autoencoder
from pictree.networks.inference import check_shape
from pictree.training import checkpoint as checkpoints
from pictree.training.linear import fit_linear
from pictree.training.losses import get_loss
from pictree.training.optimizers import make_optimizer
from pictree.training.resume import fingerprint, resume
from pictree.training.settings import Settings
from pictree.training.steps import OnBatch, RandomChanges, Steps
from pictree.training.together import Share

OnEpoch = Callable[[dict[str, Any]], None]
SMALL_STEP = 1 << 20
"""Feature-map numbers in a batch (images × height × width × widest layer) below which one
thread trains: where another program shares the cores, two threads of a small step lose ten to
twenty times in waiting for each other (measured on small-98 and flat-2)."""


def train(
    model: Autoencoder,
    pixels: Any,
    settings: Settings,
    device: Device,
    *,
    seed: int,
    train_rows: np.ndarray | None = None,
    validation: tuple[Any, np.ndarray | None] | None = None,
    checkpoint: Path | None = None,
    on_epoch: OnEpoch | None = None,
    on_batch: OnBatch | None = None,
    share: Share | None = None,
) -> list[dict[str, Any]]:
    """Train an autoencoder to reconstruct images.

    Parameters
    ----------
    model : Autoencoder
        Changed in place; left on the device, in evaluation mode.
    pixels : array-like, uint8 or float (n, h, w, c)
    settings : Settings
        A recipe's training section.
    device : Device
    seed : int
        Epoch e is shuffled by ``np.random.default_rng([seed, e])``, which also seeds the random
        changes, so a resumed training sees the same batches.
    train_rows : int array, optional
        The images to learn from; all by default.
    validation : (pixels, rows or None), optional
        Images whose loss is measured after each epoch.
    checkpoint : Path, optional
        Folder that keeps the last two epochs' states. Where it has one already, training goes
        on from it.
    on_epoch : callable, optional
        Gets each new history row, after its checkpoint is on disk.
    on_batch : callable, optional
        Gets the number of images learned since its last call, after each batch; on resuming,
        first those of the finished epochs. An exception from it, or Ctrl-C, stops the
        training: the last epoch's checkpoint stays.
    share : Share, optional
        What this process learns of each batch, where several train together; the first of them
        measures and saves.

    Returns
    -------
    list of dict
        One row for each epoch: epoch (from 1), loss, validation_loss (None without
        validation), seconds. The loss is the mean over the epoch's batches as they were met,
        weighted by their size, as Keras reports it.

    Raises
    ------
    InputError
        When there is no image, the shape is wrong, or the loss becomes NaN or infinite.
    RunError
        When the checkpoint belongs to another training.
    """
    rows = _rows(model, pixels, train_rows)
    if settings.optimizer == "closed-form":
        history = fit_linear(
            model, pixels, device, seed=seed, train_rows=rows, validation=validation
        )
        _tell_all(history, len(rows), on_batch, on_epoch)
        return history
    held_out = None if validation is None else (validation[0], _rows(model, *validation))
    model.to(device.kind)
    optimizer = make_optimizer(model.parameters(), settings, device.kind)
    loss = get_loss(settings.loss, model.architecture.output)
    steps = Steps(model, loss, optimizer, device, share)
    is_first = share is None or share.rank == 0
    images = {"images": len(rows), "held_out": len(held_out[1]) if held_out else 0}
    mark = fingerprint(model, settings, seed=seed, **images)
    mark |= {"parts": share.parts} if share else {}
    history = resume(checkpoint, model, optimizer, mark, settings.epochs)
    if history and on_batch is not None:
        on_batch(len(history) * len(rows))
    with repeatable(model.architecture, settings.batch_size):
        for epoch in range(len(history) + 1, settings.epochs + 1):
            start = time.perf_counter()
            rng = np.random.default_rng([seed, epoch])
            order = rows[rng.permutation(len(rows))]
            changes = RandomChanges(settings.change, int(rng.integers(2**62)))
            learned = steps.learn(pixels, order, settings.batch_size, on_batch, changes)
            measured = steps.measure(*held_out) if held_out and is_first else None
            row = {"epoch": epoch, "loss": learned, "validation_loss": measured}
            history.append({**row, "seconds": round(time.perf_counter() - start, 3)})
            if checkpoint is not None and is_first:
                checkpoints.save(checkpoint, model, optimizer, checkpoints.Progress(mark, history))
            if on_epoch is not None:
                on_epoch(history[-1])
    model.eval()
    return history


def _tell_all(
    history: list[dict[str, Any]], images: int, on_batch: OnBatch | None, on_epoch: OnEpoch | None
) -> None:
    if on_batch is not None:
        on_batch(images)
    if on_epoch is not None:
        on_epoch(history[-1])


def _rows(model: Autoencoder, pixels: Any, rows: np.ndarray | None) -> np.ndarray:
    check_shape(model, pixels)
    found = np.arange(len(pixels)) if rows is None else np.asarray(rows)
    if not len(found):
        raise InputError("training needs at least 1 image", got="0", do="Add pictures")
    return found


def is_small(architecture: Architecture, batch_size: int) -> bool:
    """Tell whether one thread learns a batch; see `SMALL_STEP`."""
    height, width, _ = architecture.image_shape
    widest = max(architecture.encoder + architecture.decoder)
    return batch_size * height * width * widest < SMALL_STEP


@contextmanager
def repeatable(architecture: Architecture, batch_size: int) -> Iterator[None]:
    """Train with the same sums in the same order, small steps on one thread; see `SMALL_STEP`."""
    before = torch.get_num_threads()
    if is_small(architecture, batch_size):
        torch.set_num_threads(1)
    try:
        with torch.backends.cudnn.flags(benchmark=False, deterministic=True):
            yield
    finally:
        torch.set_num_threads(before)
