"""A batch learned in equal parts, one thread each, instead of one operation after the other on all.

Operations that share their work among threads wait for the slowest at each end; parts of a batch
wait once for each step. The gradients are the same sums in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch
from torch import Tensor, nn

FEWEST = 32
"""Images that are worth a thread."""


class Parts:
    """Threads that learn parts of a batch; use `parts_of` to start and end them.

    Parameters
    ----------
    model : nn.Module
        Without layers that look at the whole batch, such as batch normalisation.
    threads : int
        1 works in the caller's.
    """

    def __init__(self, model: nn.Module, threads: int) -> None:
        self._parameters = [p for p in model.parameters() if p.requires_grad]
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, initializer=_alone) if threads > 1 else None

    def learn(self, x: Tensor, loss_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Set the parameters' gradients of the mean loss of a batch; return the loss.

        Parameters
        ----------
        x : float (n, c, h, w)
        loss_of : callable
            Mean loss of some of the images.
        """
        count = min(self._threads, max(1, len(x) // FEWEST))
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
        self, piece: Tensor, loss_of: Callable[[Tensor], Tensor]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        loss = loss_of(piece)
        return loss.detach(), torch.autograd.grad(loss, self._parameters)

    def end(self) -> None:
        """Let the threads go."""
        if self._pool is not None:
            self._pool.shutdown()


def _alone() -> None:
    torch.set_num_threads(1)


@contextmanager
def parts_of(model: nn.Module, kind: str) -> Iterator[Parts]:
    """Give as many threads as torch has on a CPU, and one elsewhere.

    Meanwhile torch's operations have one thread each.
    """
    whole = any(isinstance(m, nn.modules.batchnorm._BatchNorm) for m in model.modules())
    before = torch.get_num_threads()
    parts = Parts(model, before if kind == "cpu" and not whole else 1)
    try:
        if parts._pool is not None:
            torch.set_num_threads(1)
        yield parts
    finally:
        parts.end()
        torch.set_num_threads(before)
