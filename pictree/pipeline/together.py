"""Stage 2 by several machines: each epoch goes on from the checkpoint of the last one."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from pictree.device import Device
from pictree.engine.base import Engine, EngineError, LostError
from pictree.engine.pool import TRIES
from pictree.networks.autoencoder import Autoencoder
from pictree.progress import Progress
from pictree.recipes.recipe import Training
from pictree.store import Run
from pictree.training import checkpoint
from pictree.training.loop import is_small
from pictree.training.parts import FEWEST
from pictree.training.together import Share, joined, meeting_point

MOST = 16
"""Parts of a batch: as many as have 16 images each of 256."""

TrainShare = Callable[[int, Share], int]
"""Trains until so many epochs are done, and returns how many images; sent to other processes."""


def parts_of_batches(
    run: Run, model: Autoencoder, settings: Training, device: Device, engine: Engine | None
) -> int | None:
    """Say in how many parts a batch is learned; None where one process learns as it sees fit.

    Said once, when the training begins: weights depend on it, and on nothing else of who learns.
    One machine is as quick by itself, and so is a step that one thread does.
    """
    if "parts" in run.info:
        return run.info["parts"]
    is_begun = checkpoint.load(run.path / "checkpoints") is not None
    if engine is None or is_begun or settings.optimizer == "closed-form" or device.kind != "cpu":
        return None
    parts = min(engine.crowd(), MOST, settings.batch_size // FEWEST)
    if parts < 2 or is_small(model.architecture, settings.batch_size):
        return None
    run.update(parts=parts)
    return parts


def learn_together(
    engine: Engine,
    folder: Path,
    train: TrainShare,
    parts: int,
    epochs: int,
    progress: Progress,
    on_epoch: Callable[[dict[str, Any]], None],
    is_over: Callable[[list[dict[str, Any]]], bool] = lambda history: False,
    called: str = "epoch",
) -> None:
    """Train epoch by epoch as long as there are several machines.

    Parameters
    ----------
    engine : Engine
    folder : Path
        Of the training's checkpoints.
    train : callable
    parts : int
    epochs : int
        At most.
    progress : Progress
    on_epoch : callable
        Gets each new history row.
    is_over : callable, optional
        Tells by the history whether no more epochs are needed.
    called : str
        What an epoch is called.

    Raises
    ------
    EngineError
        If workers were lost in one epoch three times.
    """
    begun = len(_history(folder))
    progress.start("training together", epochs)
    progress.advance(begun)
    for epoch in range(begun + 1, epochs + 1):
        if is_over(_history(folder)):
            break
        if not _epoch(engine, partial(train, epoch), f"{called} {epoch}", parts, progress):
            break
        progress.advance()
        on_epoch(_history(folder)[-1])
    progress.close()


def _epoch(
    engine: Engine, train: Callable[[Share], int], name: str, parts: int, progress: Progress
) -> bool:
    """Do one epoch; return False where one machine is left, which is as quick by itself."""
    most = parts
    for left in reversed(range(TRIES)):
        ranks = min(most, engine.crowd())
        if ranks < 2:
            return False
        try:
            meeting = meeting_point(engine.host)
            work = partial(train_rank, train, (meeting.host, meeting.port), parts, ranks)
            engine.together(work, ranks)
            return True
        except LostError as error:
            if not left:
                raise EngineError(
                    f"{name} lost workers {TRIES} times, the last time: {error}. Look "
                    "whether memory runs out; `--resume --engine local` trains in one process."
                ) from error
            progress.say(f"{error}: {name} is begun again")
            most = min(most, error.left or most)
    return False


def train_rank(
    train: Callable[[Share], int], point: tuple[str, int], parts: int, ranks: int, rank: int
) -> int:
    """Train as one of several processes; return the number of images."""
    share = Share(parts, rank, ranks)
    with joined(*point, share):
        return train(share)


def _history(folder: Path) -> list[dict[str, Any]]:
    found = checkpoint.load(folder)
    return found[1].history if found else []
