"""Runs written to a bucket of a real server of objects: moto's, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pictree.errors import RunError
from pictree.pipeline.add import add
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.pipeline.publish import fetch_finished
from pictree.pipeline.shelf import Shelf
from tests.clouds.filling import full_after
from tests.clouds.moto_server import SECRETS, start
from tests.clouds.servers import Server
from tests.engine.nodes import ROOT, done_alone
from tests.engine.one_fit import digest, untimed, words

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow

ROWS = 50


@pytest.fixture(scope="module")
def files(server: Server) -> Any:
    """s3fs, with a bucket for runs."""
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir("runs")
    return files


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    """Four hundred digits in eight shards; two are twice there."""
    file = tmp_path_factory.mktemp("pile") / "digits.npy"
    images = digits[0][:400].copy()
    images[[399, 120]] = images[[3, 119]]
    np.save(file, images)
    return file


@pytest.fixture(scope="module")
def local(pictures: Path) -> Path:
    """The run on a disk."""
    done(pictures, pictures.parent / "run", "local")
    return pictures.parent / "run"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder for temporary files, of this test and of what it starts."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def done(pictures: Path, run: Path | str, engine: str, *more: str) -> str:
    """Fit in a process of its own; return what it said."""
    asked = [*words(pictures, Path(run), engine, ROWS), *more]
    asked[asked.index(str(Path(run)))] = str(run)
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    ended = subprocess.run(asked, cwd=ROOT, env=env, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    return ended.stderr


def copied(address: str, folder: Path) -> Path:
    """Return a copy that s3fs makes of all that is there, as the service's own tools would."""
    import s3fs

    s3fs.S3FileSystem().get(address, str(folder), recursive=True)
    return folder


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_a_run_in_a_bucket_has_the_bytes_of_one_on_disk(
    engine: str, files: Any, pictures: Path, local: Path, tmp_path: Path
) -> None:
    address = f"s3://runs/{engine}"
    done(pictures, address, engine)
    copy = copied(address, tmp_path / "copy")
    assert digest(copy) == digest(local)
    listed = json.loads((copy / "manifest.json").read_text())
    there = [path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()]
    assert sorted(there) == sorted([*listed, "manifest.json"])


def test_the_commands_read_and_change_it(
    files: Any, pictures: Path, local: Path, digits: tuple, tmp_path: Path
) -> None:
    address, new = "s3://runs/commands", tmp_path / "new.npy"
    np.save(new, digits[0][400:460])
    files.put(str(local), "runs/commands", recursive=True)
    here = tmp_path / "here"
    copied(address, here)

    def said(*asked: object) -> dict[str, Any]:
        ended = subprocess.run(
            [sys.executable, "-m", "pictree.cli", *map(str, asked), "--json"],
            capture_output=True, text=True, cwd=tmp_path,
        )  # fmt: skip
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    told = said("predict", address, new)
    predict(here, new, output=tmp_path / "here.csv")
    assert (tmp_path / "predictions.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert told["output"] == "predictions.csv"
    assert said("cut", address, "--k", 4)["clusters"] == f"{address}/clusters/tree-4"
    cut(here, 4)
    assert digest(copied(address, tmp_path / "cut")) == digest(here)
    assert said("report", address)["report"] == f"{address}/report.html"
    assert said("add", address, new)["run"] == address
    said("add", here, new)
    assert digest(copied(address, tmp_path / "added")) == digest(here)
    assert said("find", "outliers", address)["images"] == said("find", "outliers", here)["images"]


def test_killed_fits_go_on_and_no_half_of_one_is_read(
    files: Any, pictures: Path, local: Path, server: Server, tmp_path: Path, temporary: Path
) -> None:
    """SIGKILL after so many of the server's writes; every third time on another machine."""
    address, kills, struck = "s3://runs/killed", 0, []
    asked = [str(word) for word in words(pictures, Path("RUN"), "local", ROWS)]
    asked[asked.index("RUN")] = address
    env = os.environ | {"OMP_NUM_THREADS": "1"}
    while True:
        if kills % 3 == 2:  # nothing is left of the working folder
            env["TMPDIR"] = str(temporary / str(kills))
            Path(env["TMPDIR"]).mkdir()
        wanted = writes(server) + 4 + 7 * kills
        with (tmp_path / f"{kills}.txt").open("w") as out:
            driver = subprocess.Popen(asked, cwd=ROOT, env=env, stderr=out)
            while driver.poll() is None and writes(server) < wanted:
                time.sleep(0.002)
            driver.kill()
            if driver.wait() == 0:
                break
        assert driver.returncode == -signal.SIGKILL, (tmp_path / f"{kills}.txt").read_text()
        struck.append(not_a_run(address, tmp_path / f"half-{kills}"))
        kills += 1
        asked = [word for word in asked if word != "--resume"] + ["--resume"]
    assert len(struck) >= 5
    assert digest(copied(address, tmp_path / "copy")) == digest(local)


def writes(server: Server) -> int:
    return sum(request.startswith("PUT") for request in server.asked)


def not_a_run(address: str, folder: Path) -> bool:
    """Tell that a reader is refused; one killed after the last write has left a whole run."""
    try:
        fetch_finished(Shelf(address), folder)
    except RunError as error:
        assert "which has no manifest.json" in str(error)  # noqa: PT017 - both may be
        return True
    assert len(untimed(folder)) > 15
    return False


def test_a_fit_by_two_nodes_that_see_no_common_disk(
    pictures: Path, local: Path, digits: tuple, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)  # Ray's sockets need a short path
    monkeypatch.delenv("TMPDIR")
    new, here = tmp_path / "new.npy", tmp_path / "here"
    images = digits[0][380:520].copy()  # twenty of the run's own, and one twice
    images[-1] = images[30]
    np.save(new, images)
    told = done_alone("tests.clouds.on_two_nodes", pictures, new, tmp_path, ROWS)
    assert digest(tmp_path / "copy") == digest(local)
    nodes = ["head", "second"]
    assert told == {"fit": nodes, "predict": nodes, "left": ["run.lock"]}
    shutil.copytree(local, here)
    predict(here, new, output=tmp_path / "here.csv")
    assert (tmp_path / "ray.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    add(here, new)
    assert digest(tmp_path / "added") == digest(here)
    kinds = {path.name for path in (tmp_path / "added").iterdir()}
    assert "added" in kinds
    assert not kinds & {"placing", "carrying", "writing.json"}


def test_no_bucket(files: Any, pictures: Path) -> None:
    assert refused(pictures, "s3://nowhere/run") == (
        "'s3://nowhere/run' must be writable from this machine; got 'The specified bucket does not "
        "exist'. Check the bucket, the rights, the room there and the network, then run the same "
        "command again (`pictree fit`: with --resume)."
    )


def refused(pictures: Path, address: str) -> str:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(RunError) as caught:
        fit(pictures, address, recipe=quick())
    s3fs.S3FileSystem.clear_instance_cache()
    return str(caught.value)


def quick() -> Any:
    from pictree.recipes.recipe import change, load_recipe

    return change(load_recipe("quick"), **{"maps.methods": []})


def test_a_full_store_keeps_what_was_there(
    files: Any, pictures: Path, server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    address = "s3://runs/full"
    with full_after(server.address, 12) as front:
        monkeypatch.setenv("AWS_ENDPOINT_URL", front)
        said = refused(pictures, address)
    assert said == (
        "'s3://runs/full' must be writable from this machine; got '[Errno 5] An error occurred "
        "(InsufficientStorage) when calling the PutObject operation: The bucket is full'. Check "
        "the bucket, the rights, the room there and the network, then run the same command again "
        "(`pictree fit`: with --resume)."
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    assert not_a_run(address, tmp_path / "half")
    fit(pictures, address, recipe=quick(), resume=True)
    assert not not_a_run(address, tmp_path / "whole")


def test_no_rights_and_a_server_that_is_gone(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that knows nobody; then it is gone."""
    for name, value in {
        **SECRETS, "AWS_MAX_ATTEMPTS": "1", "INITIAL_NO_AUTH_ACTION_COUNT": "0",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    server = start(tmp_path / "log")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.address)
    said = refused(pictures, "s3://closed/run")
    assert said == (
        "'s3://closed/run' must be readable from this machine; got 'Forbidden'. Check the "
        "address, the network, and the credentials as the service's own tools have them."
    )
    server.stop()
    assert refused(pictures, "s3://closed/run") == (
        "'s3://closed/run' must be readable from this machine; got 'Could not connect to the "
        f'endpoint URL: "{server.address}/closed/run/writing.json"\'. Check the address, the '
        "network, and the credentials as the service's own tools have them."
    )
