"""Ray on one and on two nodes of this machine, where there is no network but loopback."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.engine import many_digits
from pictree.engine.choose import open_engine
from pictree.errors import RunError
from pictree.progress import Progress
from tests.engine.nodes import ROOT, done_alone
from tests.engine.one_fit import digest, words

KILLS = {"worker": 12, "driver": 4, "node": 2}
"""``python -m tests.engine.killing`` takes any numbers; docs/scale.md tells of 200 and 20."""


def test_a_ray_of_our_own(tmp_path: Path) -> None:
    """A worker is killed; then one more is asked for than there are cores."""
    found = done_alone("tests.engine.on_two_nodes", "alone", tmp_path)
    assert found["greedy"]["done"] == [0, 1, 2, 3, 4]
    assert found["greedy"]["told"] == []
    assert found["greedy"]["images"] == [os.nice(0)] * 5  # Ray's own workers stand back
    found = found["killed"]
    assert found["struck"]
    assert found["done"] == [0, 1, 2, 3, 4]
    [told] = found["told"]
    assert re.fullmatch(
        r"the Ray worker \S+:\d+ died \(Actor\w+Error\): shard 2 is done again", told
    )


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What was told of the faults on two nodes."""
    return done_alone("tests.engine.on_two_nodes", "faults", tmp_path_factory.mktemp("ray"))


@pytest.mark.slow
def test_a_killed_worker_and_a_lost_node(faults: dict[str, Any]) -> None:
    for what, again in (("killed", "2"), ("lost", "[01]")):
        found = faults[what]
        assert found["struck"]
        assert found["done"] == [0, 1, 2, 3, 4]
        [told] = found["told"]
        assert re.fullmatch(
            rf"the Ray worker \S+:\d+ died \(Actor\w+Error\): shard {again} is done again", told
        )
    assert faults["killed"]["count"] == 2


@pytest.mark.slow
def test_a_stopped_worker_is_told(faults: dict[str, Any]) -> None:
    found = faults["stopped"]
    assert found["struck"]
    assert found["done"] == [0, 1, 2, 3, 4]
    assert "which does shard 1, has been silent for " in found["told"][0]
    assert found["told"][0].endswith(" s: it is stopped, or its machine is overloaded")


@pytest.mark.slow
def test_too_small_machines_are_refused(faults: dict[str, Any]) -> None:
    assert faults["small"]["told"] == [
        "--engine ray needs a machine with a core and 1.5 GiB for a worker; got machines with "
        "these cores and GiB: 1 and 0.2. Start larger machines, or leave --engine out."
    ]


def undisturbed(images: int, rows: int, folder: Path) -> Path:
    """Save so many digits, and fit them by the plain loop; return their file."""
    file = folder / "digits.npy"
    digits = many_digits(images)
    digits[[images - 1, images // 2, 10]] = digits[[0, 20, 11]]  # two in other shards, one beside
    np.save(file, digits)
    asked = words(file, folder / "local", "local", rows)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    subprocess.run(asked, cwd=ROOT, env=env, check=True, capture_output=True)
    return file


@pytest.mark.slow
@pytest.mark.parametrize(("images", "rows"), [(2_000, 100), (20_000, 1_000)])
def test_two_nodes_give_the_same_bytes(images: int, rows: int, tmp_path: Path) -> None:
    file, new = undisturbed(images, rows, tmp_path), tmp_path / "new.npy"
    digits = many_digits(10_300)[-300:]
    np.save(new, np.concatenate([digits, digits[:3], np.load(file)[:3]]))
    told = done_alone("tests.engine.on_two_nodes", "fit", file, new, tmp_path / "run", rows)
    assert digest(tmp_path / "run") == digest(tmp_path / "local")
    assert told == {"rows": 307, "same": True, "added": True}


@pytest.mark.slow
def test_two_nodes_train_together(tmp_path: Path) -> None:
    """A worker is killed, a node lost, and one process ends with the same bytes."""
    np.save(tmp_path / "digits.npy", many_digits(600))
    told = done_alone(
        "tests.engine.on_two_nodes", "train", tmp_path / "digits.npy", tmp_path / "run"
    )
    assert (told["same"], told["parts"]) == (True, 2)
    killed, lost, *_ = told["again"]  # a lost machine may be counted once more: no free core there
    died = r"the Ray worker \S+:\d+ died \(Actor\w+Error\): epoch {} is begun again"
    assert re.fullmatch(died.format("2"), killed)
    assert re.fullmatch(died.format(r"\d+"), lost)


@pytest.mark.slow
def test_random_kills_on_two_nodes(tmp_path: Path) -> None:
    file = undisturbed(2_000, 40, tmp_path)
    found = done_alone("tests.engine.killing", file, tmp_path, *KILLS.values(), 0)
    assert {kind: found["struck"][kind] for kind in KILLS} == KILLS
    assert found["hashes"] == [digest(tmp_path / "local")]


def test_an_address_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    with pytest.raises(RunError) as error:
        open_engine("ray", Progress())
    assert str(error.value) == (
        "RAY_ADDRESS must be that of a running Ray cluster; got 127.0.0.1:9 (Connection refused). "
        "Start one with `ray start --head`, or unset RAY_ADDRESS."
    )
