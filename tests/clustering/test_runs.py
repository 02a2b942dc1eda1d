"""Runs give the same trees in this process, in others, and where those are killed."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from pictree.clustering import runs
from pictree.clustering.runs import runs_of
from pictree.clustering.tree import ClusterTree
from pictree.cores import free_cores
from pictree.neighbors import nearest


def found(links: np.ndarray) -> dict[int, list[list[ClusterTree]]]:
    # The second evidence is another graph than the one in which leaves are found.
    return runs_of(links, [links, links[::-1].copy()], (3, 5), at_least=20, seed=1)


def assert_same(left: dict[int, list[list[ClusterTree]]], right: dict) -> None:
    assert left.keys() == right.keys()
    for count, of_count in left.items():
        for trees, others in zip(of_count, right[count], strict=True):
            for one, other in zip(trees, others, strict=True):
                np.testing.assert_array_equal(one.leaves, other.leaves)
                np.testing.assert_array_equal(one.children, other.children)
                np.testing.assert_array_equal(one.losses, other.losses)


@pytest.fixture(scope="module")
def links() -> np.ndarray:
    return nearest(load_digits().data.astype(np.float32)[:600], 10)[0]


def by_processes(monkeypatch: pytest.MonkeyPatch, links: np.ndarray) -> dict:
    monkeypatch.setattr(runs, "PROCESSES_FROM", 0)
    monkeypatch.setattr(runs, "free_cores", lambda: 2)
    return found(links)


def loky_children() -> list[int]:
    found = []
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that is over
            for child in (task / "children").read_text().split():
                if b"popen_loky" in Path(f"/proc/{child}/cmdline").read_bytes():
                    found.append(int(child))
    return found


def test_each_run_is_there(links):
    by_count = found(links)
    assert list(by_count) == [3, 5]
    for of_count in by_count.values():
        assert [len(trees) for trees in of_count] == [6, 6]  # 2 resolutions, 3 seeds
        for one, other in zip(*of_count, strict=True):
            np.testing.assert_array_equal(one.leaves, other.leaves)
            assert not np.array_equal(one.losses, other.losses)


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes in /proc")
def test_processes_change_nothing_and_leave_none_behind(monkeypatch, links):
    alone = found(links)
    assert_same(alone, by_processes(monkeypatch, links))
    assert loky_children() == []


@pytest.mark.skipif(sys.platform != "linux", reason="looks for the processes in /proc")
def test_a_killed_process_costs_only_time(monkeypatch, links):
    alone, killed, over = found(links), [], threading.Event()

    def kill() -> None:
        while not over.is_set():
            for child in loky_children()[:1]:
                os.kill(child, signal.SIGKILL)
                killed.append(child)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        together = by_processes(monkeypatch, links)
    finally:
        over.set()
        killer.join()
    assert killed
    assert_same(alone, together)


def test_as_many_cores_as_threads_are_allowed():
    with threadpool_limits(1):
        assert free_cores() == 1
