"""Runs at addresses, by fsspec's own ``memory://``: published whole, whoever is killed when."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.errors import InputError, RunError, SourceError
from pictree.manifest import MANIFEST
from pictree.pipeline.away import edited, fetched
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.pipeline.publish import UNFINISHED, fetch_finished, listed, publish
from pictree.pipeline.shelf import Shelf, address_of
from pictree.recipes.recipe import Recipe, change, load_recipe

TIMED = ("run.json", "report.html", "log.jsonl", "checkpoints/")
RUN = "memory://bucket/run"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, this test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def recipe() -> Recipe:
    return change(load_recipe("quick"), **{"maps.methods": []})


@pytest.fixture
def pictures(tmp_path: Path, digits: tuple) -> Path:
    file = tmp_path / "digits.npy"
    np.save(file, digits[0][:200])
    return file


def untimed(manifest: bytes) -> dict[str, str]:
    told = json.loads(manifest)
    return {name: digest for name, digest in told.items() if not name.startswith(TIMED)}


def at(bucket: dict[str, Any], name: str) -> bytes:
    return bucket[f"/bucket/run/{name}"].getvalue()


def test_a_run_at_an_address_has_the_bytes_of_one_on_disk(
    bucket: dict[str, Any], pictures: Path, recipe: Recipe, tmp_path: Path, temporary: Path
) -> None:
    told = fit(pictures, RUN, recipe=recipe)
    fit(pictures, tmp_path / "run", recipe=recipe)
    assert (told["run"], told["report"]) == (RUN, f"{RUN}/report.html")
    there = untimed(at(bucket, MANIFEST))
    assert there == untimed((tmp_path / "run" / MANIFEST).read_bytes())
    assert len(there) > 15
    listed_names = json.loads(at(bucket, MANIFEST))
    assert sorted(bucket) == sorted(f"/bucket/run/{n}" for n in [MANIFEST, *listed_names])
    for name, digest in listed_names.items():
        assert hashlib.sha256(at(bucket, name)).hexdigest() == digest
    [lock] = [path for path in temporary.rglob("*") if path.is_file()]
    assert lock.name == "run.lock"

    with edited(RUN) as home:
        told = home.told(cut(home.folder, 3))
    assert told["clusters"] == f"{RUN}/clusters/tree-3"
    cut(tmp_path / "run", 3)
    assert untimed(at(bucket, MANIFEST)) == untimed((tmp_path / "run" / MANIFEST).read_bytes())
    assert "clusters/tree-3/model.npz" in json.loads(at(bucket, MANIFEST))

    with pytest.raises(RunError) as caught:
        fit(pictures, RUN, recipe=recipe)
    assert str(caught.value) == (
        "A new run needs a folder of its own; got memory://bucket/run, which holds a run. Go on "
        "with it by --resume, or choose another folder with -o."
    )
    fit(pictures, RUN, recipe=recipe, resume=True)
    assert untimed(at(bucket, MANIFEST)) == untimed((tmp_path / "run" / MANIFEST).read_bytes())


class StopError(Exception):
    """The end of a process."""


class Dies(Shelf):
    """Takes so many changes, and then no more."""

    left = 0

    def _change(self, change: Any) -> None:
        type(self).left -= 1
        if type(self).left < 0:
            raise StopError
        super()._change(change)


def folder_of(path: Path, files: dict[str, str]) -> dict[str, str]:
    """Write files; return their SHA-256."""
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in files.items()}


OLD = {"run.json": "old", "same": "same", "a/changed": "old", "gone": "old"}
NEW = {"run.json": "new", "same": "same", "a/changed": "new", "b/new": "new"}


@pytest.mark.parametrize("before", ["nothing", UNFINISHED, MANIFEST])
def test_a_writer_that_dies_anywhere_leaves_the_old_or_the_new(
    before: str, bucket: dict[str, Any], tmp_path: Path
) -> None:
    old, new = folder_of(tmp_path / "old", OLD), folder_of(tmp_path / "new", NEW)
    shelf, dying, found = Shelf(RUN), Dies(RUN), []
    for allowed in range(40):
        bucket.clear()
        if before != "nothing":
            publish(shelf, tmp_path / "old", old, before)
        Dies.left = allowed
        try:
            publish(dying, tmp_path / "new", new, MANIFEST)
        except StopError:
            found.append(state(shelf, tmp_path / f"{before}{allowed}"))
            publish(shelf, tmp_path / "new", new, MANIFEST)
        else:
            assert Dies.left == 0
            break
        assert state(shelf, tmp_path / f"{before}{allowed}-again") == NEW
        assert sorted(bucket) == sorted(f"/bucket/run/{name}" for name in [MANIFEST, *NEW])
    assert state(shelf, tmp_path / "end") == NEW
    first = OLD if before == MANIFEST else None
    turned = found.index(NEW) if NEW in found else len(found)
    assert found == [first] * turned + [NEW] * (len(found) - turned)
    assert (NEW in found) is (before != "nothing")  # where nothing changed, the list is the last
    assert turned > 3


def state(shelf: Shelf, folder: Path) -> dict[str, str] | None:
    """Return what a reader finds; None where it is told that there is no finished run."""
    if listed(shelf)[0] != MANIFEST:
        with pytest.raises(RunError, match=r"which has no manifest\.json"):
            fetch_finished(shelf, folder)
        return None
    fetch_finished(shelf, folder)
    (folder / MANIFEST).unlink()
    names = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text() for path in names}


class Killed(BaseException):
    """As SIGKILL: nothing is cleared away."""


def test_a_fit_goes_on_from_the_last_stage_at_the_address(
    bucket: dict[str, Any],
    pictures: Path,
    recipe: Recipe,
    tmp_path: Path,
    temporary: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a machine that has none of the working folder, too."""
    fit(pictures, tmp_path / "run", recipe=recipe)
    with monkeypatch.context() as patch:
        patch.setattr("pictree.pipeline.fit.judge.judge", lambda *_, **__: dies())
        with pytest.raises(Killed):
            fit(pictures, RUN, recipe=recipe)
    name, files = listed(Shelf(RUN))
    assert name == UNFINISHED
    assert {"run.json", "pixels/00000.npy", "codes/00000.npy", "tree.npz"} <= set(files)
    with pytest.raises(RunError) as caught, fetched(RUN):
        pass
    assert str(caught.value) == (
        "RUN must be a run that `pictree fit` has finished; got memory://bucket/run, which has no "
        "manifest.json. Finish it: the same `pictree fit` command with --resume."
    )
    with pytest.raises(RunError, match="which holds a run"):
        fit(pictures, RUN, recipe=recipe)
    elsewhere = temporary.parent / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    monkeypatch.setattr("pictree.pipeline.fit.stock.stock", lambda *_, **__: dies())  # it is done
    fit(pictures, RUN, recipe=recipe, resume=True)
    assert untimed(at(bucket, MANIFEST)) == untimed((tmp_path / "run" / MANIFEST).read_bytes())
    assert "/bucket/run/unfinished.json" not in bucket


def dies() -> None:
    raise Killed


def test_a_changed_file_is_told_and_never_read(bucket: dict[str, Any], tmp_path: Path) -> None:
    publish(Shelf(RUN), tmp_path, folder_of(tmp_path, OLD), MANIFEST)
    Shelf(RUN).write("a/changed", b"elder")
    with pytest.raises(RunError) as caught, fetched(RUN):
        pass
    assert str(caught.value) == (
        "Every file of a run must be as its manifest says; got memory://bucket/run/a/changed, "
        "which was changed since. Run the command again, in case somebody was writing the run; "
        "else restore that file from a copy."
    )


def test_a_list_that_leads_outside_is_refused(bucket: dict[str, Any]) -> None:
    Shelf(RUN).write(MANIFEST, json.dumps({"../x": "0" * 64}).encode())
    with (
        pytest.raises(RunError, match="must list files of the run and their SHA-256"),
        fetched(RUN),
    ):
        pass


def test_a_mistake_leaves_nothing_there(bucket: dict[str, Any], recipe: Recipe) -> None:
    with pytest.raises(SourceError, match="the pictures must exist"):
        fit("/no/pictures", RUN, recipe=recipe)
    assert bucket == {}


def test_other_files_are_left_alone(bucket: dict[str, Any], pictures: Path, recipe: Recipe) -> None:
    Shelf(RUN).write("holiday.jpg", b"mine")
    with pytest.raises(RunError) as caught:
        fit(pictures, RUN, recipe=recipe)
    assert str(caught.value) == (
        "A new run needs an empty folder; got memory://bucket/run, which holds other files. Choose "
        "another folder with -o."
    )
    assert list(bucket) == ["/bucket/run/holiday.jpg"]


def test_nobody_else_may_write_the_working_folder(
    bucket: dict[str, Any], pictures: Path, recipe: Recipe, temporary: Path
) -> None:
    mine = temporary / f"pictree-{os.getuid()}"
    mine.mkdir()
    mine.chmod(0o777)
    with pytest.raises(RunError) as caught:
        fit(pictures, RUN, recipe=recipe)
    assert str(caught.value) == (
        f"The working folder must be this user's, and writable by nobody else; got {mine}. Remove "
        "it, or set TMPDIR to another folder."
    )


@pytest.mark.parametrize(
    ("path", "address"),
    [("s3://b/run/", "s3://b/run"), (Path("s3://b/run"), "s3://b/run"), ("gs://b", "gs://b"),
     ("run", None), ("/x/s3://y", None), ("C:\\run", None), ("c:/run", None), (Path(), None)],
)  # fmt: skip
def test_what_is_an_address(path: Any, address: str | None) -> None:
    assert address_of(path) == address


@pytest.mark.parametrize("path", ["s3://", "file:///tmp/run", "local://run"])
def test_what_names_no_place(path: str) -> None:
    with pytest.raises(InputError) as caught:
        address_of(path)
    assert str(caught.value) == (
        "a run must be a folder on a disk, or an address in a store of objects; got "
        f"{path}. Pass the folder itself, or an address such as s3://bucket/run."
    )


def test_what_needs_a_disk_says_so(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "pictree.cli", "label", "s3://bucket/run"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert " ".join(done.stderr.split()) == (
        "pictree: this needs a run folder on a disk of this machine; got s3://bucket/run. Copy the "
        "run there with the service's own tools, then run `pictree verify` on it."
    )
