"""Work for the engines' tests; other processes import it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from pictree.errors import InputError


def note(folder: Path, shard: int) -> int:
    """Leave a file that tells who did the shard; return ten images."""
    (folder / f"{shard}-{os.getpid()}").touch()
    return 10


def niceness(folder: Path, shard: int) -> int:
    """Return the own niceness as the number of images."""
    return os.nice(0)


def die_once(folder: Path, shard: int) -> int:
    """Kill the own process at shard 2, the first time."""
    struck = folder / "struck"
    if shard == 2 and not struck.exists():
        struck.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return note(folder, shard)


def die_always(folder: Path, shard: int) -> int:
    """Kill the own process, each time."""
    note(folder, shard)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def stop_once(folder: Path, shard: int) -> int:
    """Stop the own process at shard 1, the first time, as Ctrl-Z does."""
    struck = folder / "struck"
    if shard == 1 and not struck.exists():
        struck.touch()
        os.kill(os.getpid(), signal.SIGSTOP)
    return note(folder, shard)


def refuse(folder: Path, shard: int) -> int:
    """Raise one of our errors at shard 1."""
    if shard == 1:
        raise InputError("shards must be even", got="1", do="Choose another")
    return note(folder, shard)


def wait_for_two(folder: Path, shard: int) -> int:
    """End when two processes are at work."""
    note(folder, shard)
    while len({path.name.split("-")[1] for path in folder.iterdir()}) < 2:
        time.sleep(0.01)
    return 1


def wait_for_loss(folder: Path, shard: int) -> int:
    """End when the test has taken a node away; never on that one."""
    import ray

    note(folder, shard)
    struck = folder / "struck"
    while not struck.exists() or struck.read_text() == ray.get_runtime_context().get_node_id():
        time.sleep(0.05)
    return 1
