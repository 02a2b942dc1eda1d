"""Workers on a Ray cluster: actors, each on one core of whatever machine has room."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from pictree.engine.base import WORKER_BYTES, Receipt, Work, perform
from pictree.engine.pool import Died, Heard, Pool, Worker
from pictree.errors import MissingExtraError, RunError
from pictree.progress import Progress

_BEAT_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
_STORE_BYTES = 80 << 20
"""Ray's own store of objects, as small as it lets us: we put receipts alone there."""
_MUST_AGREE = ("pictree", "numpy", "torch", "polars", "pillow", "numba")
"""Packages whose versions must be the same everywhere, for the same bytes everywhere; numba, which
compiles steps of a training, may be absent everywhere."""


class Ray(Pool):
    """A Ray cluster: the one that RAY_ADDRESS names, else one of this machine alone.

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    RunError
        If nothing answers at RAY_ADDRESS, or no machine of the cluster has room for a worker.
    """

    shares_disk = False

    def __init__(self, progress: Progress, **options: Any) -> None:
        self._ray, self._is_ours = _connected()
        try:
            count = _slots(self._ray.nodes())
        except RunError:
            self.__exit__()
            raise
        super().__init__(count, progress, **options)
        resources = {"num_cpus": 1, "memory": WORKER_BYTES, "max_concurrency": 2}
        self._actor = self._ray.remote(**resources)(_Remote)

    def _capacity(self) -> int:
        return _slots(self._ray.nodes())

    @property
    def host(self) -> str:  # type: ignore[override]
        """The driver's machine, by the address that the cluster has for it."""
        return str(self._ray.util.get_node_ip_address())

    def crowd(self) -> int:
        """Return how many workers several machines have room for; 1 where there is but one."""
        nodes = [node for node in self._ray.nodes() if node["Alive"]]
        return _slots(nodes) if len(nodes) > 1 else 1

    def _start(self) -> Worker:
        return _Actor(self._ray, self._actor.remote())

    def _listen(self, workers: Sequence[Worker], seconds: float) -> Heard:
        of = {ref: worker for worker in workers for ref in worker.waiting()}  # type: ignore[attr-defined]
        self._ray.wait(list(of), num_returns=1, timeout=seconds)
        ready, _ = self._ray.wait(list(of), num_returns=len(of), timeout=0)
        heard: Heard = []
        for ref in ready:
            worker = of[ref]
            said = worker.hear(ref)  # type: ignore[attr-defined]
            if said is not None and worker not in [other for other, _ in heard]:
                heard.append((worker, said))
        return heard

    def __exit__(self, *_: object) -> None:
        if hasattr(self, "_workers"):
            super().__exit__()
        if self._is_ours:
            self._ray.shutdown()


class _Remote:
    """What runs on the cluster: one thread works, another answers."""

    def do(self, work: Work, shard: int) -> Receipt:
        return perform(work, shard)

    def answer(self) -> tuple[str, dict[str, str]]:
        return f"{socket.gethostname()}:{os.getpid()}", versions()


class _Actor(Worker):
    def __init__(self, ray: Any, actor: Any) -> None:
        super().__init__("a Ray worker", has_begun=False)
        self._ray, self._actor = ray, actor
        self._task: Any = None
        self._pulse: Any = actor.answer.remote()
        self._given: tuple[Work, int] | None = None

    def give(self, work: Work, shard: int) -> None:
        # Before its first answer nobody knows whether it runs, and with which versions.
        self._given = (work, shard)
        if self.has_begun:
            self._task = self._actor.do.remote(work, shard)

    def waiting(self) -> list[Any]:
        """Return what to wait for: the receipt, and from time to time a sign of life."""
        if self._pulse is None and time.monotonic() - self.heard > _BEAT_SECONDS:
            self._pulse = self._actor.answer.remote()
        return [ref for ref in (self._task, self._pulse) if ref is not None]

    def hear(self, ref: Any) -> Any:
        """Return the receipt, or what went wrong; None for a sign of life."""
        is_pulse = ref == self._pulse
        try:
            said = self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            cause = error.cause
            return cause if isinstance(cause, Exception) else RuntimeError(str(error))
        except self._ray.exceptions.RayError as error:
            return Died(f"died ({type(error).__name__})")
        self.heard = time.monotonic()
        if not is_pulse:
            self._task = None
            return said
        self._pulse, (where, theirs) = None, said
        self.name = f"the Ray worker {where}"
        refused = _disagreement(self.name, theirs)
        if not self.has_begun and refused is None and self._given is not None:
            self.has_begun = True
            self.give(*self._given)
        return refused

    def end(self) -> None:
        self._ray.kill(self._actor, no_restart=True)


def versions() -> dict[str, str]:
    """Return the versions that must agree."""
    return {name: _version(name) for name in _MUST_AGREE}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "absent"


def _disagreement(where: str, theirs: dict[str, str]) -> RunError | None:
    pairs = [(name, theirs[name], own) for name, own in versions().items()]
    differ = [f"{name} {other}, here {own}" for name, other, own in pairs if other != own]
    if not differ:
        return None
    return RunError(
        "Every machine of a Ray cluster must have the same versions, for the same bytes",
        got=f"{where} has {'; '.join(differ)}",
        do="Install the same versions there",
    )


def _connected() -> tuple[Any, bool]:
    """Return Ray, connected, and whether the connection is ours to end."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError(
            "--engine ray needs Ray", got="no package ray", do="Run: pip install 'pictree[ray]'"
        ) from error
    if ray.is_initialized():
        return ray, False
    stop = signal.getsignal(signal.SIGTERM)
    _connect(ray, os.environ.get("RAY_ADDRESS"))
    _silence()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)  # Ray has put its own there
    return ray, True


def _connect(ray: Any, address: str | None) -> None:
    if address:
        _refuse_silent(address)
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
        return
    # Ray's own is 15: on a machine with other work its workers would hardly get on.
    os.environ.setdefault("RAY_worker_niceness", "0")
    with without_dashboard():
        ray.init(
            address="local",  # else one that was killed here long ago is looked for
            include_dashboard=False,
            log_to_driver=False,
            logging_level="ERROR",
            object_store_memory=_STORE_BYTES,
        )


@contextmanager
def without_dashboard() -> Iterator[None]:
    """Start Ray without the process that asks the cloud's addresses where it runs.

    Ray starts it with `include_dashboard=False` and usage statistics off, too, and then it looks
    metadata.google.internal and 169.254.169.254 up: a network is not ours to use.
    """
    from ray._private import services

    start = services.start_api_server
    services.start_api_server = lambda *_, **__: (None, None)
    try:
        yield
    finally:
        services.start_api_server = start


def _silence() -> None:
    """Keep Ray's words about dead workers off standard output, where ``--json`` writes."""
    from ray._private import worker

    worker.print_to_stdstream = lambda *_, **__: None


def _refuse_silent(address: str) -> None:
    """Refuse an address where nobody listens: Ray itself would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return  # such as "auto", which Ray looks up on this machine
    try:
        socket.create_connection((host, int(port)), _CONNECT_SECONDS).close()
    except OSError as error:
        raise RunError(
            "RAY_ADDRESS must be that of a running Ray cluster",
            got=f"{address} ({error.strerror or error})",
            do="Start one with `ray start --head`, or unset RAY_ADDRESS",
        ) from error


def _slots(nodes: Sequence[dict[str, Any]]) -> int:
    """Return how many workers the machines have room for, each with a core and its memory.

    Asked before anything is submitted: Ray waits without a word for what no machine has.
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    slots = sum(int(min(has.get("CPU", 0), has.get("memory", 0) // WORKER_BYTES)) for has in alive)
    if slots:
        return slots
    gib = 2**30
    each = [(has.get("CPU", 0), has.get("memory", 0) / gib) for has in alive]
    shown = ", ".join(f"{cores:g} and {memory:.1f}" for cores, memory in each)
    raise RunError(
        f"--engine ray needs a machine with a core and {WORKER_BYTES / gib:.1f} GiB for a worker",
        got=f"machines with these cores and GiB: {shown}",
        do="Start larger machines, or leave --engine out",
    )
