"""Runs from a bucket of a real server of objects: moto's, in a process of its own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pictree.errors import SourceError
from pictree.export.export import export
from pictree.images.decode import ImageFormat
from pictree.images.inventory import take_stock
from pictree.images.sources import open_source
from pictree.pipeline.fit import fit
from pictree.pipeline.predict import predict
from pictree.recipes.recipe import Recipe
from pictree.store import Run
from tests.clouds.buckets import fill, manifest
from tests.clouds.moto_server import SECRETS, start
from tests.clouds.servers import Server

pytest.importorskip("s3fs")
pytest.importorskip("moto.server")
pytestmark = pytest.mark.slow

BUCKET = "s3://pictures"


@pytest.fixture(scope="module")
def bucket(server: Server, pile: Path) -> Any:
    """The files of a bucket with a copy of the pile, and markers of folders."""
    import s3fs

    return fill(s3fs.S3FileSystem(), pile)


@pytest.mark.parametrize("engine", ["local", "processes"])
def test_a_run_has_the_bytes_of_one_from_a_copy_on_disk(
    engine: str, run: Path, bucket: Any, server: Server, recipe: Recipe, tmp_path: Path
) -> None:
    before, asked = bucket.find("pictures", detail=True), len(server.asked)
    out = tmp_path / "run"
    fit(f"{BUCKET}/digits", out, recipe=recipe, known_labels="folders", engine=engine)
    assert manifest(out) == manifest(run)
    assert {"codes/00000.npy", "tree.npz"} <= manifest(run).keys()
    methods = {request.split()[0] for request in server.asked[asked:]}
    assert "GET" in methods
    assert methods <= {"GET", "HEAD"}
    bucket.invalidate_cache()
    assert bucket.find("pictures", detail=True) == before


def test_new_pictures_from_a_bucket(run: Path, bucket: Any, pile: Path, tmp_path: Path) -> None:
    predict(run, f"{BUCKET}/digits", output=tmp_path / "there.csv")
    predict(run, pile, output=tmp_path / "here.csv")
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_the_command_reads_a_bucket(bucket: Any) -> None:
    words = [sys.executable, "-m", "pictree.cli", "scan", f"{BUCKET}/digits", "--json"]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["used"], found["duplicates"]) == (60, 1)
    assert sum(found["problems"].values()) == 3


def test_a_run_from_a_shard_is_exported_with_its_originals(
    bucket: Any, digits: tuple, recipe: Recipe, tmp_path: Path
) -> None:
    np.save(tmp_path / "x.npy", digits[0][:60])
    bucket.put_file(str(tmp_path / "x.npy"), "pictures/shards/x.npy")
    out = tmp_path / "run"
    fit(f"{BUCKET}/shards/x.npy", out, recipe=recipe)
    export(out, "folders", tmp_path / "sorted")
    files = sorted((tmp_path / "sorted").rglob("*.png"))
    assert len(files) == 60
    first = next(file for file in files if file.name == "x.npy-0.png")
    np.testing.assert_array_equal(np.asarray(Image.open(first)), digits[0][0])
    assert Run.open(out).inventory()["path"][0] == "x.npy[0]"


def test_one_that_is_gone_is_an_outcome(bucket: Any) -> None:
    for name in ("a", "b", "c"):
        bucket.pipe_file(f"pictures/few/{name}.png", b"no picture")
    source = open_source(f"{BUCKET}/few")
    bucket.rm_file("pictures/few/b.png")
    table, _ = take_stock(source, range(3), ImageFormat(28, 28, 1, ""), first_id=0, seen={})
    assert table["reason"].to_list()[1] == "the file is gone"
    assert table["outcome"].to_list() == ["not an image", "unreadable", "not an image"]


def test_a_bucket_that_is_not_there(bucket: Any) -> None:
    with pytest.raises(SourceError) as caught:
        open_source("s3://no-such-bucket/x")
    assert str(caught.value) == (
        "the pictures must exist; got 's3://no-such-bucket/x'. Check the path."
    )


def test_without_credentials(
    bucket: Any, pile: Path, digits: tuple, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence; and fsspec's own variable opens what anybody may read (docs/scale.md)."""
    import s3fs

    for i, who in enumerate(("public-read", "private", "public-read")):
        buffer = io.BytesIO()
        Image.fromarray(digits[0][i]).save(buffer, "PNG")
        bucket.pipe_file(f"pictures/open/{i}.png", buffer.getvalue(), ACL=who)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    s3fs.S3FileSystem.clear_instance_cache()
    with pytest.raises(SourceError) as caught:
        open_source(f"{BUCKET}/open")
    assert str(caught.value) == (
        "'s3://pictures/open' must be readable from this machine; got 'Unable to locate "
        "credentials'. Check the address, the network, and the credentials as the service's own "
        "tools have them."
    )
    words = [sys.executable, "-m", "pictree.cli", "scan", f"{BUCKET}/open", "--json"]
    monkeypatch.setenv("FSSPEC_S3_ANON", "true")
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["used"] == 2
    assert found["problems"] == {"unreadable: no permission to read it": 1}
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_server_that_goes_away_stops_the_run(tmp_path: Path) -> None:
    """Rather than calling each object that was not read a broken one."""
    import s3fs

    server = start(tmp_path / "log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            **SECRETS, "AWS_ENDPOINT_URL": server.address, "AWS_MAX_ATTEMPTS": "1",
        }.items():  # fmt: skip
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        files = s3fs.S3FileSystem()
        files.mkdir("away")
        for i in range(40):
            files.pipe_file(f"away/few/{i}.png", b"no picture")
        source = open_source("s3://away/few")
        server.process.kill()
        server.process.wait()
        with pytest.raises(SourceError) as caught:
            take_stock(source, range(40), ImageFormat(28, 28, 1, ""), first_id=0, seen={})
        s3fs.S3FileSystem.clear_instance_cache()
    assert str(caught.value) == (
        "'s3://away/few' must stay readable until all pictures are read; got 'Could not connect "
        f'to the endpoint URL: "{server.address}/away/few/0.png"\'. Repeat the command when it '
        "can be reached; a fit goes on with --resume."
    )
