"""A step of training by one process of several threads, and by as many processes of one thread.

    python -m benchmarks.together [--steps 60]

The network of recipe large-1568 on batches of 256 images of 28×28: milliseconds a step, three times
each, by one process; by processes that exchange gradients as `--engine ray` on several machines has
them do it; and by torch's DistributedDataParallel over gloo.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from pictree.engine.processes import Processes
from pictree.networks import fused
from pictree.networks.autoencoder import Architecture, build
from pictree.progress import Progress
from pictree.training.losses import get_loss
from pictree.training.parts import parts_of
from pictree.training.together import Share, joined, meeting_point, together_of

BATCH, REPEATS, WARM_UP = 256, 3, 10
Step = Callable[[], object]


def main() -> None:
    """Print a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--processes", type=int, default=2)
    asked = parser.parse_args()
    print("| who | ms a step |")
    for threads in dict.fromkeys((1, asked.processes)):
        torch.set_num_threads(threads)
        told = [alone(asked.steps) for _ in range(REPEATS)]
        print(f"| one process, threads: {threads} | {shown(told)} |", flush=True)
    for name in ("exchange", "ddp"):
        told = [by_processes(asked.processes, name, asked.steps) for _ in range(REPEATS)]
        print(f"| processes of one thread: {asked.processes}, {name} | {shown(told)} |", flush=True)


def shown(seconds: list[float]) -> str:
    """Return milliseconds."""
    return ", ".join(f"{1000 * value:.0f}" for value in seconds)


def parts() -> tuple[nn.Module, Tensor, Callable[[nn.Module, Tensor], Tensor], torch.optim.Adam]:
    """Return network, batch, loss and optimiser."""
    model = build(Architecture((28, 28, 1), (32, 32), (32, 32), 0, "sigmoid"), 0).train()
    loss = get_loss("bce", "sigmoid")
    images = torch.rand(BATCH, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    return model, images, lambda network, x: loss(network(x), x), optimizer


def seconds_of(step: Step, steps: int) -> float:
    """Return the seconds of a step, after some that don't count."""
    for _ in range(WARM_UP):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


def alone(steps: int) -> float:
    """Learn in this process; return the seconds of a step."""
    model, images, loss_of, optimizer = parts()
    with fused.wanted(), parts_of(model, "cpu", BATCH) as learners:

        def step() -> None:
            learners.learn(images, partial(loss_of, model))
            optimizer.step()

        return seconds_of(step, steps)


def by_processes(count: int, name: str, steps: int) -> float:
    """Learn by several processes; return the seconds of a step of the slowest."""
    meeting = meeting_point("127.0.0.1")
    with TemporaryDirectory() as folder, Processes(Progress()) as engine:
        engine.count = count
        work = partial(rank_of, Path(folder), name, steps, meeting.port, count)
        engine.together(work, count)
        return max(float(file.read_text()) for file in Path(folder).iterdir())


def rank_of(folder: Path, name: str, steps: int, port: int, size: int, rank: int) -> int:
    """Learn as one of several processes; leave the seconds of a step."""
    torch.set_num_threads(1)
    model, images, loss_of, optimizer = parts()
    share = Share(size, rank, size)
    mine = images.tensor_split(size)[rank]
    with joined("127.0.0.1", port, share), fused.wanted():
        if name == "ddp":
            network = DistributedDataParallel(model)

            def step() -> None:
                optimizer.zero_grad()
                loss_of(network, mine).backward()
                optimizer.step()

            seconds = seconds_of(step, steps)
        else:
            with together_of(model, share) as learners:

                def step() -> None:
                    learners.learn(images, partial(loss_of, model))
                    optimizer.step()

                seconds = seconds_of(step, steps)
    (folder / str(rank)).write_text(str(seconds))
    return BATCH


if __name__ == "__main__":
    from benchmarks import together  # by its name, which the processes can import

    together.main()
