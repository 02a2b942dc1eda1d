"""A batch learned in parts by several processes, each on a machine of its own.

The same sums in the same order, however many processes share the parts: so weights depend on the
number of parts, and not on who learned them or was lost meanwhile.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

import torch
from torch import Tensor, distributed, nn

from pictree.engine.base import LostError
from pictree.training.parts import Parts

_INTERFACE, _SIOCGIFADDR = "GLOO_SOCKET_IFNAME", 0x8915
_MEETING = timedelta(minutes=2)
_SLOWEST = timedelta(minutes=30)
"""How long the others wait while the first measures and saves; the dead are heard of at once."""


@dataclass(frozen=True)
class Share:
    """What one process learns of each batch.

    Attributes
    ----------
    parts : int
        Into how many a batch is parted.
    rank, size : int
        Which process this is, and of how many.
    """

    parts: int
    rank: int = 0
    size: int = 1

    @property
    def each(self) -> int:
        """Parts that a process learns, at most."""
        return -(-self.parts // self.size)

    def mine(self) -> range:
        """Return the parts of this one; there may be none."""
        ends = (min((self.rank + step) * self.each, self.parts) for step in (0, 1))
        return range(*ends)


class Together(Parts):
    """Learns this process's parts of each batch, and adds up those of all.

    Parameters
    ----------
    model : nn.Module
        The same in every process.
    share : Share
        With `joined` begun, where there are several processes.
    threads : int
        Parts that are learned here at once, each by one thread.
    """

    def __init__(self, model: nn.Module, share: Share, threads: int) -> None:
        super().__init__(model, max(1, min(threads, len(share.mine()))))
        self._share = share
        self._numbers = 1 + sum(parameter.numel() for parameter in self._parameters)

    def learn(self, x: Tensor, loss_of: Callable[[Tensor], Tensor]) -> Tensor:
        """Set the gradients of the mean loss of the whole batch; return the loss.

        Parameters
        ----------
        x : float (n, c, h, w)
            The whole batch, the same in every process.
        loss_of : callable
            Mean loss of some of the images.

        Raises
        ------
        LostError
            If another process is gone.
        """
        return self.learn_pieces(len(x), lambda piece: loss_of(x[piece]))

    def learn_pieces(self, images: int, loss_of: Callable[[slice], Tensor]) -> Tensor:
        """Do as `learn` for a batch that is more than one tensor; see there.

        Parameters
        ----------
        images : int
            In the batch.
        loss_of : callable
            Mean loss of this piece of the images.
        """
        pieces = _pieces(images, self._share.parts)
        own = [pieces[part] for part in self._share.mine()]
        run = map if self._pool is None else self._pool.map
        found = list(run(lambda piece: self._row(piece, loss_of), own))
        width = -(-self._numbers // self._share.size) * self._share.size
        rows = torch.zeros(self._share.each, width)
        for row, numbers in zip(rows, found, strict=False):
            row[: self._numbers] = numbers
        total = self._added(rows, [(piece.stop - piece.start) / images for piece in pieces])
        loss, *flat = total[: self._numbers].split([1, *(p.numel() for p in self._parameters)])
        for parameter, gradient in zip(self._parameters, flat, strict=True):
            # In the parameter's own layout: fused optimisers read memory, whatever the strides.
            parameter.grad = torch.empty_like(parameter).copy_(gradient.view(parameter.shape))
        return loss[0]

    def _row(self, piece: slice, loss_of: Callable[[slice], Tensor]) -> Tensor:
        """Return the loss of a piece and its gradients, one behind the other."""
        if piece.start == piece.stop:
            return torch.zeros(self._numbers)
        loss, gradients = self._learn(piece, loss_of)
        return torch.cat([loss.reshape(1), *(gradient.reshape(-1) for gradient in gradients)])

    def _added(self, rows: Tensor, shares: list[float]) -> Tensor:
        """Add up the rows of all parts, in their order; each process adds up a slice of them."""
        if self._share.size == 1:
            return _weighted(rows, shares)
        slices = rows.view(len(rows), self._share.size, -1).transpose(0, 1).contiguous()
        found = torch.empty_like(slices)
        try:
            distributed.all_to_all_single(found, slices)
            mine = _weighted(found.flatten(0, 1), shares)
            every = [torch.empty_like(mine) for _ in range(self._share.size)]
            distributed.all_gather(every, mine)
        except RuntimeError as error:
            raise _lost(error) from error
        return torch.cat(every)


def _pieces(images: int, parts: int) -> list[slice]:
    """Return the pieces of a batch, as `torch.tensor_split` cuts it."""
    each, more = divmod(images, parts)
    ends = [part * each + min(part, more) for part in range(parts + 1)]
    return [slice(*both) for both in pairwise(ends)]


def _weighted(rows: Tensor, shares: list[float]) -> Tensor:
    """Add up rows, each times its share.

    Multiplied first, then added: in one operation a processor may round once or twice, and does
    so otherwise at the end of a slice than within.
    """
    total = torch.zeros(rows.shape[1])
    for row, share in zip(rows, shares, strict=False):  # those behind are parts of nobody
        total += row * share
    return total


@contextmanager
def one_thread(is_wanted: bool) -> Iterator[None]:
    """Let torch work in one thread meanwhile, whose sums are everywhere the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if is_wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def together_of(model: nn.Module, share: Share) -> Iterator[Together]:
    """Learn parts of batches, each by one thread, and each step of the optimiser by one.

    Parameters
    ----------
    model : nn.Module
    share : Share

    Yields
    ------
    Together
    """
    before = torch.get_num_threads()
    learners = Together(model, share, before)
    torch.set_num_threads(1)
    try:
        yield learners
    finally:
        learners.end()
        torch.set_num_threads(before)


def meeting_point(host: str) -> distributed.TCPStore:
    """Open a port at which processes find each other; its ``host`` and ``port`` tell where.

    Parameters
    ----------
    host : str
        This machine's address, as the others know it.
    """
    # TCPStore would listen wherever this machine can be reached, and asks nobody who he is.
    family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    with socket.create_server((host, 0), family=family) as listening:
        return distributed.TCPStore(
            host,
            listening.getsockname()[1],
            is_master=True,
            wait_for_workers=False,
            master_listen_fd=listening.detach(),
        )


@contextmanager
def joined(host: str, port: int, share: Share) -> Iterator[None]:
    """Be one of the processes that meet there, until the end of the block.

    Raises
    ------
    LostError
        If the others don't come.
    """
    try:
        store = distributed.TCPStore(host, port, is_master=False, timeout=_MEETING)
        with _by_interface(interface_to(host)):
            distributed.init_process_group(
                "gloo", store=store, rank=share.rank, world_size=share.size, timeout=_SLOWEST
            )
    except RuntimeError as error:
        raise _lost(error) from error
    try:
        yield
    finally:
        distributed.destroy_process_group()


def interface_to(host: str) -> str | None:
    """Return the network interface by which a machine is reached; None where that can't be told.

    gloo would take the address that this machine's own name has, which on Debian is one that
    no other machine can reach.
    """
    if sys.platform != "linux":
        return None
    import fcntl

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 9))  # nothing is sent
        except OSError:
            return None
        own = socket.inet_aton(probe.getsockname()[0])
        for _, name in socket.if_nameindex():
            asked = name.encode().ljust(256, b"\0")
            with suppress(OSError):  # it has no such address
                if fcntl.ioctl(probe, _SIOCGIFADDR, asked)[20:24] == own:
                    return name
    return None


@contextmanager
def _by_interface(name: str | None) -> Iterator[None]:
    """Let gloo take this interface, unless the user has named another."""
    if name is None or _INTERFACE in os.environ:
        yield
        return
    os.environ[_INTERFACE] = name
    try:
        yield
    finally:
        del os.environ[_INTERFACE]


def _lost(error: RuntimeError) -> LostError:
    return LostError(f"another was lost ({str(error).splitlines()[0]})")
