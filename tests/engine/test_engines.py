"""Engines do every shard once, and again where a worker died; what they say is heard."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from pictree.engine.base import WORKER_BYTES, EngineError, Local, perform
from pictree.engine.choose import open_engine
from pictree.engine.on_ray import _disagreement, _slots, versions
from pictree.engine.processes import Processes
from pictree.errors import InputError, MissingExtraError, RunError
from pictree.progress import Progress
from tests.engine import jobs

GIB = 2**30
ROOT = Path(__file__).parents[2]


class Told(Progress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def test_the_loop_does_the_shards_in_order(tmp_path: Path) -> None:
    with open_engine("local", Progress()) as engine:
        receipts = list(engine.map(partial(jobs.note, tmp_path), [2, 0, 1]))
    assert isinstance(engine, Local)
    assert [(r.shard, r.images) for r in receipts] == [(2, 10), (0, 10), (1, 10)]


def test_processes_do_each_shard_once(tmp_path: Path) -> None:
    with Processes(Progress()) as engine:
        receipts = list(engine.map(partial(jobs.note, tmp_path), range(5)))
        again = list(engine.map(partial(jobs.note, tmp_path), range(5)))
    assert sorted(r.shard for r in receipts) == sorted(r.shard for r in again) == [0, 1, 2, 3, 4]
    pids = {path.name.split("-")[1] for path in tmp_path.iterdir()}
    assert {r.worker.rsplit(":")[1] for r in receipts + again} == pids
    assert len(pids) <= engine.count  # the workers of the first work did the second
    assert all(r.images == 10 and r.peak_mb > 1 for r in receipts)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells it")
def test_a_workers_peak_is_its_own(tmp_path: Path) -> None:
    ballast = np.ones(300 << 20, np.uint8)
    with Processes(Progress()) as engine:
        [receipt] = engine.map(partial(jobs.note, tmp_path), [0])
    assert 1 < receipt.peak_mb < ballast.nbytes / 2**20


def test_processes_work_side_by_side(tmp_path: Path) -> None:
    with Processes(Progress()) as engine:
        engine.count = 2
        done = [r.shard for r in engine.map(partial(jobs.wait_for_two, tmp_path), [0, 1])]
    assert sorted(done) == [0, 1]


def test_a_killed_worker_is_told_and_its_shard_done_again(tmp_path: Path) -> None:
    told = Told()
    with Processes(told) as engine:
        done = [r.shard for r in engine.map(partial(jobs.die_once, tmp_path), range(4))]
    assert sorted(done) == [0, 1, 2, 3]
    assert (tmp_path / "struck").exists()
    assert [line.split(" ", 3)[3] for line in told.lines] == [
        "was killed by signal 9: shard 2 is done again"
    ]


def test_a_shard_that_kills_every_worker_ends_the_work(tmp_path: Path) -> None:
    with Processes(Progress()) as engine, pytest.raises(EngineError) as error:
        list(engine.map(partial(jobs.die_always, tmp_path), [7]))
    assert str(error.value) == (
        "shard 7 killed 3 workers, the last one was killed by signal 9. Look whether memory runs "
        "out; `--resume --engine local` does it in this process."
    )
    assert len(list(tmp_path.iterdir())) == 3


class Wakes(Told):
    """Lets the worker go on that is said to be silent."""

    def say(self, text: str) -> None:
        super().say(text)
        os.kill(int(text.split()[2].removesuffix(",")), signal.SIGCONT)


def test_a_stopped_worker_is_told(tmp_path: Path) -> None:
    told = Wakes()
    with Processes(told, silent_seconds=3.0) as engine:
        done = [r.shard for r in engine.map(partial(jobs.stop_once, tmp_path), range(3))]
    assert sorted(done) == [0, 1, 2]
    assert (tmp_path / "struck").exists()
    assert len(told.lines) == 1
    assert re.fullmatch(
        r"worker process \d+, which does shard 1, has been silent for \d+ s: it is stopped, or its "
        "machine is overloaded",
        told.lines[0],
    )


@pytest.mark.slow
def test_a_stopped_worker_is_replaced_in_the_end(tmp_path: Path) -> None:
    told = Told()
    with Processes(told, silent_seconds=3.0) as engine:
        done = [r.shard for r in engine.map(partial(jobs.stop_once, tmp_path), range(3))]
    assert sorted(done) == [0, 1, 2]
    assert (tmp_path / "struck").exists()
    assert len(told.lines) == 2
    replaced = told.lines[1].split(" ", 3)[3]
    assert replaced == "was killed by signal 9: shard 1 is done again"


def test_what_the_work_raises_is_raised_here(tmp_path: Path) -> None:
    with Processes(Progress()) as engine:
        with pytest.raises(InputError, match=r"^shards must be even; got 1\. Choose another\.$"):
            list(engine.map(partial(jobs.refuse, tmp_path), [0, 1, 2]))
        assert [r.shard for r in engine.map(partial(jobs.note, tmp_path), [4])] == [4]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(InputError) as error:
        open_engine("spark", Progress())
    assert str(error.value) == (
        "--engine must be one of local, processes, ray; got spark. Choose one of these."
    )


def test_without_ray_one_sentence_tells_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as error:
        open_engine("ray", Progress())
    assert str(error.value) == (
        "--engine ray needs Ray; got no package ray. Run: pip install 'pictree[ray]'."
    )


def test_processes_need_memory_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pictree.engine.processes.free_memory", lambda: GIB)
    with pytest.raises(RunError) as error:
        open_engine("processes", Progress())
    assert str(error.value) == (
        "--engine processes needs 1.5 GiB of free memory for a worker; got 1.0 GiB. End other "
        "programs, or leave --engine out."
    )


def test_slots_are_counted_machine_by_machine() -> None:
    def machine(cores: float, memory: float, alive: bool = True) -> dict:
        return {"Alive": alive, "Resources": {"CPU": cores, "memory": memory}}

    machines = [machine(4, 3 * WORKER_BYTES), machine(2, 9 * WORKER_BYTES), machine(8, 1.0)]
    assert _slots([*machines, machine(8, 8 * WORKER_BYTES, alive=False)]) == 5
    with pytest.raises(RunError) as error:
        _slots([machine(8, GIB), {"Alive": True, "Resources": {"memory": 9 * GIB}}])
    assert str(error.value) == (
        "--engine ray needs a machine with a core and 1.5 GiB for a worker; got machines with "
        "these cores and GiB: 8 and 1.0, 0 and 9.0. Start larger machines, or leave --engine out."
    )


def test_other_versions_are_refused() -> None:
    assert _disagreement("x", versions()) is None
    error = _disagreement("the Ray worker a:1", versions() | {"torch": "1.0"})
    assert str(error) == (
        "Every machine of a Ray cluster must have the same versions, for the same bytes; got the "
        f"Ray worker a:1 has torch 1.0, here {versions()['torch']}. Install the same versions "
        "there."
    )


def test_a_receipt_says_where_and_how_long(tmp_path: Path) -> None:
    receipt = perform(partial(jobs.note, tmp_path), 3)
    assert (receipt.shard, receipt.images) == (3, 10)
    assert receipt.seconds >= 0


def test_a_script_without_a_guard_is_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from functools import partial\nfrom pathlib import Path\n"
        "from pictree.engine.processes import Processes\nfrom pictree.progress import Progress\n"
        "from tests.engine import jobs\n"
        "with Processes(Progress()) as engine:\n"
        f"    list(engine.map(partial(jobs.note, Path({str(tmp_path)!r})), [0]))\n"
        "print('once')\n"
    )
    env = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ['PYTHONPATH']}"}
    done = subprocess.run(
        [sys.executable, script], env=env, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("once\n", 0), done.stderr
