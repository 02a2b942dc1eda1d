"""A batch learned in equal parts, one thread each, instead of one operation after the other on all.

Operations that share their work among threads wait for the slowest at each end; parts of a batch
wait once for each step. The gradients are the same sums in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

FEWEST = 16
"""Images that are worth a part."""

MOST = 4
"""Parts of a batch: their calls hold Python's lock by turns. With more cores a part has several."""


class Parts:
    """Threads that learn parts of a batch; use `parts_of` to start and end them.

    Parameters
    ----------
    model : nn.Module
        Without layers that look at the whole batch, such as batch normalisation.
    count : int
        Parts of a batch, at most; 1 works in the caller's thread.
    threads : int
        Of torch's, for each part.
    """

    def __init__(self, model: nn.Module, count: int, threads: int = 1) -> None:
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._most = count
        self._pool: ThreadPoolExecutor | None = None
        if count > 1:
            self._pool = ThreadPoolExecutor(count, "part", torch.set_num_threads, (threads,))

    def learn(self, x: Tensor, loss_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Set the parameters' gradients of the mean loss of a batch; return the loss.

        Parameters
        ----------
        x : float (n, c, h, w)
        loss_of : callable
            Mean loss of some of the images.
        """
        count = min(self._most, max(1, len(x) // FEWEST))
        if self._pool is None or count == 1:
            loss = loss_of(x)
            for parameter in self._parameters:
                parameter.grad = None
            loss.backward()
            return loss.detach()
        pieces = x.tensor_split(count)
        shares = [len(piece) / len(x) for piece in pieces]
        done = list(self._pool.map(lambda piece: self._learn(piece, loss_of), pieces))
        of_pieces = [found[1] for found in done]
        for parameter, *gradients in zip(self._parameters, *of_pieces, strict=True):
            # In the parameter's own layout: fused optimisers read memory, whatever the strides.
            parameter.grad = torch.zeros_like(parameter)
            for gradient, share in zip(gradients, shares, strict=True):
                parameter.grad.add_(gradient, alpha=share)
        losses = torch.stack([found[0] for found in done])
        return (losses * torch.tensor(shares)).sum()

    def _learn(
        self, piece: Any, loss_of: Callable[[Any], Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        loss = loss_of(piece)
        return loss.detach(), torch.autograd.grad(loss, self._parameters)

    def end(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()


@contextmanager
def parts_of(model: nn.Module, kind: str, images: int) -> Iterator[Parts]:
    """Share torch's threads among the parts of a batch on a CPU; nothing is changed elsewhere.

    Parameters
    ----------
    model : nn.Module
    kind : str
        Device, for example "cpu".
    images : int
        In a batch.

    Yields
    ------
    Parts
        Meanwhile the caller's own operations have one thread, if there are several parts.
    """
    whole = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules())
    before = torch.get_num_threads()
    count = min(before, MOST, images // FEWEST) if kind == "cpu" and not whole else 1
    parts = Parts(model, count, before // max(1, count))
    try:
        if count > 1:
            torch.set_num_threads(1)
        yield parts
    finally:
        parts.end()
        torch.set_num_threads(before)
