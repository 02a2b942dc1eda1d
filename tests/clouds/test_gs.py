"""Runs from a bucket of gs://: a server of Google's objects, in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pictree.errors import RunError, SourceError
from pictree.export.export import export
from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source
from pictree.pipeline.away import edited, fetched
from pictree.pipeline.cut import cut
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import Recipe
from tests.clouds.buckets import fill, manifest
from tests.clouds.servers import Server, started

pytest.importorskip("gcp_storage_emulator")
pytestmark = pytest.mark.slow

BUCKET = "gs://pictures"


def start(log: Path) -> Server:
    with socket.socket() as probe:  # the server does not say which port it was given for 0
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = ["gcp_storage_emulator", "start", "--in-memory", "--host", "127.0.0.1"]
    process, _ = started([*words, "--port", str(port)], log, "All services started")
    return Server(process, log, f"http://127.0.0.1:{port}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests; what they start finds it by the environment."""
    pytest.importorskip("google.auth")
    server = start(tmp_path_factory.mktemp("server") / "log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", server.address)
        patch.setenv("NO_GCE_CHECK", "true")  # else another machine is asked who this one is
        # It speaks JSON over HTTP, not gRPC, by which gcsfs asks first what kind a bucket is of.
        patch.setenv("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
        yield server
    server.stop()


@pytest.fixture(scope="module")
def bucket(server: Server, pile: Path) -> Any:
    """The files of a bucket with a copy of the pile, and markers of folders."""
    import gcsfs

    return fill(gcsfs.GCSFileSystem(), pile)


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_a_run_has_the_bytes_of_one_from_a_copy_on_disk(
    engine: str, run: Path, bucket: Any, server: Server, recipe: Recipe, tmp_path: Path
) -> None:
    before, asked = bucket.find("pictures", detail=True), len(server.asked)
    out = tmp_path / "run"
    fit(f"{BUCKET}/digits", out, recipe=recipe, known_labels="folders", engine=engine)
    assert manifest(out) == manifest(run)
    assert {"codes/00000.npy", "tree.npz"} <= manifest(run).keys()
    assert {request.split()[0] for request in server.asked[asked:]} == {"GET"}
    bucket.invalidate_cache()
    assert bucket.find("pictures", detail=True) == before


def test_new_pictures_from_a_bucket(run: Path, bucket: Any, pile: Path, tmp_path: Path) -> None:
    predict(run, f"{BUCKET}/digits", output=tmp_path / "there.csv")
    predict(run, pile, output=tmp_path / "here.csv")
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


@pytest.mark.parametrize("address", ["gs://pictures/digits", "gcs://pictures/digits/"])
def test_the_command_reads_a_bucket(address: str, bucket: Any) -> None:
    words = [sys.executable, "-m", "pictree.cli", "scan", address, "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["used"], found["duplicates"]) == (60, 1)
    assert sum(found["problems"].values()) == 3


def test_some_by_a_pattern(bucket: Any) -> None:
    source = open_source(f"{BUCKET}/digits/7/*0*.png")
    assert len(source) > 2
    assert all(path.startswith("ü ") for path in source.paths)
    assert source.read(0)[:4] == b"\x89PNG"


def test_a_run_from_a_shard_is_exported_with_its_originals(
    bucket: Any, digits: tuple, recipe: Recipe, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", digits[0][:60])
    bucket.pipe_file("pictures/shards/x.npy", (tmp_path / "x.npy").read_bytes())
    out = tmp_path / "run"
    fit(f"{BUCKET}/shards/x.npy", out, recipe=recipe)
    export(out, "folders", tmp_path / "sorted")
    files = sorted((tmp_path / "sorted").rglob("*.png"))
    assert len(files) == 60
    first = next(file for file in files if file.name == "x.npy-0.png")
    np.testing.assert_array_equal(np.asarray(Image.open(first)), digits[0][0])


def test_one_that_is_gone_is_an_outcome(bucket: Any) -> None:
    for name in ("a", "b", "c"):
        bucket.pipe_file(f"pictures/few/{name}.png", b"no picture")
    source = open_source(f"{BUCKET}/few")
    bucket.rm_file("pictures/few/b.png")
    table, _ = take_stock(source, range(3), ImageFormat(28, 28, 1, ""), first_id=0, seen={})
    assert table["reason"].to_list()[1] == "the file is gone"
    assert table["outcome"].to_list() == ["not an image", "unreadable", "not an image"]


@pytest.mark.parametrize("address", ["gs://no-such-bucket/x", "gs://pictures/no-such-folder"])
def test_what_is_not_there(address: str, bucket: Any) -> None:
    with pytest.raises(SourceError) as caught:
        open_source(address)
    assert str(caught.value) == f"the pictures must exist; got {address!r}. Check the path."


def test_a_server_that_goes_away_stops_the_run(tmp_path: Path) -> None:
    """Rather than calling each object that was not read a broken one."""
    import gcsfs

    server = start(tmp_path / "log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_EMULATOR_HOST", server.address)
        at_once = SimpleNamespace(random=lambda: -32)  # else it tries for half a minute
        patch.setattr("gcsfs.retry.random", at_once)
        gcsfs.GCSFileSystem.clear_instance_cache()
        files = gcsfs.GCSFileSystem()
        files.mkdir("away")
        for i in range(40):
            files.pipe_file(f"away/few/{i}.png", b"no picture")
        source = open_source("gs://away/few")
        server.stop()
        with pytest.raises(SourceError) as caught:
            take_stock(source, range(40), ImageFormat(28, 28, 1, ""), first_id=0, seen={})
        gcsfs.GCSFileSystem.clear_instance_cache()
    host = server.address.removeprefix("http://")
    where, port = host.split(":")
    assert str(caught.value) == (
        "'gs://away/few' must stay readable until all pictures are read; got 'Cannot connect to "
        f"host {host} ssl:default [Connect call failed ('{where}', {port})]'. Repeat the command "
        "when it can be reached; a fit goes on with --resume."
    )


def test_a_server_that_is_not_there_is_one_sentence(server: Server) -> None:
    """Without what gcsfs logs of each failed request."""
    program = (
        "import gcsfs.retry, types; from pictree.cli import main; "
        "gcsfs.retry.random = types.SimpleNamespace(random=lambda: -32); main()"
    )
    words = [sys.executable, "-c", program, "scan", "gs://pictures/x"]
    nobody = {**os.environ, "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1"}
    done = subprocess.run(words, capture_output=True, text=True, env=nobody)
    assert done.returncode == 2
    assert " ".join(done.stderr.split()) == (
        "pictree: 'gs://pictures/x' must be readable from this machine; got 'Cannot connect to "
        "host 127.0.0.1:1 ssl:default [Connect call failed ('127.0.0.1', 1)]'. Check the address, "
        "the network, and the credentials as the service's own tools have them."
    )


def test_a_run_in_a_bucket_has_the_bytes_of_one_on_disk(
    run: Path, pile: Path, server: Server, recipe: Recipe, tmp_path: Path
) -> None:
    """Written, cut, and refused to a second writer."""
    import gcsfs

    gcsfs.GCSFileSystem().mkdir("runs")
    address, here = "gs://runs/run", tmp_path / "here"
    fit(pile, address, recipe=recipe, known_labels="folders")
    with fetched(address) as copy:
        assert manifest(copy) == manifest(run)
    shutil.copytree(run, here)
    cut(here, 3)
    with edited(address) as home:
        with pytest.raises(RunError, match="Only one process may write a run"), edited(address):
            pass
        cut(home.folder, 3)
    with fetched(address) as copy:
        assert manifest(copy) == manifest(here)
        there = gcsfs.GCSFileSystem().find("runs/run")
        listed = json.loads((copy / "manifest.json").read_text())
    assert sorted(there) == sorted(f"runs/run/{name}" for name in [*listed, "manifest.json"])
