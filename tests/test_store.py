"""The run folder: what is written is read, and faults are named in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pictree.errors import RunError
from pictree.files import csv_bytes
from pictree.shards import SHARD_ROWS, shard_rows_for
from pictree.store import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", 'name = "x"\n', {"items": 3, "shard_rows": 3})


def test_shards_hold_65536_small_images_and_256_mib_of_large_ones() -> None:
    assert shard_rows_for(28 * 28) == SHARD_ROWS == 65_536
    assert shard_rows_for(64 * 64 * 3) == 2**28 // 12_288 == 21_845
    assert shard_rows_for(2**30) == 1


def test_shards_read_back_as_one_array(run: Run) -> None:
    run.update(items=9)
    run.write_array("codes", 0, np.array([[1, 2], [3, 4]], np.float32))
    run.write_array("codes", 1, np.zeros((0, 2), np.float32))
    run.write_array("codes", 2, np.array([[5, 6]], np.float32))
    codes = run.array("codes")
    assert codes.shape == (3, 2)
    assert codes[[2, 0]].tolist() == [[5, 6], [1, 2]]


def test_labels_follow_the_used_images_not_the_files(run: Run) -> None:
    inventory = {"id": [0, 1, 2, 3], "outcome": ["used", "empty", "used", "duplicate"]}
    run.write_table("images", 0, pl.DataFrame(inventory))
    assigned = {"id": [0, 2, 3], "cluster": [1, 0, 1], "distance": [0.0, 0.0, 0.0]}
    run.write_table("clusters/kmeans-2/assignments", 0, pl.DataFrame(assigned))
    run.update(clusters="kmeans-2")
    assert run.labels().tolist() == [1, 0]


def test_a_stage_adds_up_its_seconds_and_ends_done(run: Run) -> None:
    with pytest.raises(ZeroDivisionError), run.stage("learn"):
        1 / 0  # noqa: B018
    assert not run.done("learn")
    with run.stage("judge"):
        run.write_metrics({})
    assert run.done("judge")
    (run.path / "metrics.json").unlink()
    assert not run.done("judge")  # what it wrote is gone: it must run again


def test_planned_stages_wait_and_begun_ones_stay_what_they_are(run: Run) -> None:
    with run.stage("learn"):
        pass
    before = run.info["stages"]["learn"]
    run.plan(["stock", "learn", "maps"])
    waiting = {"state": "waiting", "seconds": 0.0}
    assert run.info["stages"] == {"stock": waiting, "learn": before, "maps": waiting}
    assert not run.done("maps")


def test_a_folder_with_a_run_is_refused(run: Run) -> None:
    with pytest.raises(RunError) as caught:
        Run(run.path).refuse_if_taken()
    assert str(caught.value) == (
        f"A new run needs a folder of its own; got {run.path}, which holds a run. "
        "Go on with it by --resume, or choose another folder with -o."
    )


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(RunError, match="which holds other files"), Run(tmp_path).lock():
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunError) as caught:
        Run.open(tmp_path)
    assert str(caught.value) == (
        f"RUN must be a folder made by `pictree fit`; got {tmp_path}, which has no run.json. "
        "Run `pictree fit PICTURES -o RUN` first."
    )


def test_a_newer_format_is_refused(run: Run) -> None:
    run.update(format=2)
    with pytest.raises(RunError) as caught:
        Run.open(run.path)
    assert str(caught.value) == (
        f"A run's format must be 1 or older; got 2 in {run.path / 'run.json'}. Upgrade pictree."
    )


@pytest.mark.parametrize("key", ["clusters", "instant", "maps"])
@pytest.mark.parametrize("name", ["../../elsewhere", "/etc/x", "a/b", "", "\0", 7])
def test_a_name_in_run_json_that_leads_outside_is_refused(run: Run, key: str, name: object) -> None:
    """`pictree add` writes maps by these names, and would write over what is not the run's."""
    run.update(**{key: [name] if key == "maps" else name})
    with pytest.raises(RunError) as caught:
        Run.open(run.path)
    assert str(caught.value) == (
        "A run's clusters and maps must have names of small letters, digits and hyphens; got "
        f"{name!r} in {run.path / 'run.json'}. Restore that file from a copy."
    )


@pytest.mark.parametrize("content", [b"", b"not an array", b"\x93NUMPY\x01\x00"])
def test_a_torn_array_is_named(run: Run, content: bytes) -> None:
    run.write_array("codes", 0, np.zeros((2, 2), np.float32))
    file = run.shard_file("codes", 0)
    file.write_bytes(content)
    with pytest.raises(RunError) as caught:
        run.array("codes")
    assert str(caught.value) == (
        f"Every file of a run must be as Pictree wrote it; got {file}, which can't be read. "
        "Delete that file and run the same `pictree fit` command with --resume."
    )


@pytest.mark.parametrize("length", [0, 4, 50])
def test_a_torn_table_is_named(run: Run, length: int) -> None:
    run.write_table("images", 0, pl.DataFrame({"id": [1, 2, 3]}))
    file = run.shard_file("images", 0)
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(RunError, match="which can't be read"):
        run.inventory()


def test_a_pickled_array_is_never_loaded(run: Run) -> None:
    np.save(run.path / "maps.npy", np.array([{}], object), allow_pickle=True)
    run.map_file("pca").parent.mkdir()
    (run.path / "maps.npy").rename(run.map_file("pca"))
    with pytest.raises(RunError, match="which can't be read"):
        run.maps()


def test_a_second_process_is_told_who_holds_the_run(run: Run) -> None:
    code = (
        "import sys; from pictree.store import Run\n"
        "with Run(sys.argv[1]).lock(): print('in', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(run.path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "in\n"
        with pytest.raises(RunError) as caught, run.lock():
            pass
        other.kill()
    assert str(caught.value) == (
        f"Only one process may write a run; got {run.path}, in use by process {other.pid}. "
        "Wait until it has ended, or choose another folder with -o."
    )
    with run.lock():  # the killed process's lock is free
        pass


def test_the_manifest_lists_every_file_but_itself(run: Run) -> None:
    run.write_metrics({"k": 3})
    run.write_manifest()
    manifest = json.loads((run.path / "manifest.json").read_text())
    assert sorted(manifest) == ["metrics.json", "recipe.toml", "run.json"]
    assert all(len(digest) == 64 for digest in manifest.values())


def test_the_same_arrays_give_the_same_bytes(run: Run) -> None:
    for name in ("a.npz", "b.npz"):
        run.write_arrays(name, {"x": np.arange(5), "y": np.ones(2)})
    assert (run.path / "a.npz").read_bytes() == (run.path / "b.npz").read_bytes()
    assert run.arrays("a.npz")["x"].tolist() == [0, 1, 2, 3, 4]


def test_csv_quotes_odd_names() -> None:
    table = pl.DataFrame({"path": ['a "b",\nc.png']})
    assert csv_bytes(table) == b'path\n"a ""b"",\nc.png"\n'


@pytest.mark.parametrize("length", [0, 10, 200])
def test_a_torn_npz_is_named(run: Run, length: int) -> None:
    run.write_arrays("a.npz", {"x": np.arange(50)})
    file = run.path / "a.npz"
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(RunError, match="which can't be read"):
        run.arrays("a.npz")


def test_a_fit_killed_at_its_very_start_goes_on(tmp_path: Path) -> None:
    for name in ("run.lock", ".tmp-abc", "recipe.toml"):
        (tmp_path / name).write_text("")
    with Run(tmp_path).lock():
        Run(tmp_path).refuse_if_taken()


def test_a_folder_that_no_run_held_keeps_its_temporary_files(tmp_path: Path) -> None:
    (tmp_path / ".tmp-mine").write_text("mine")
    with pytest.raises(RunError, match="which holds other files"), Run(tmp_path).lock():
        pass
    assert [p.name for p in tmp_path.iterdir()] == [".tmp-mine"]
