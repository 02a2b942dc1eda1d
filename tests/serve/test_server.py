"""The real server, started as a user does, asked with real pictures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import polars as pl
import pytest

from pictree.pipeline.predict import predict


@pytest.fixture(scope="module")
def server(served_run: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    words = [sys.executable, "-m", "pictree.cli", "serve", served_run, "--port", "0", "--json"]
    process = subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process, json.loads(process.stdout.readline())["address"]
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def client(server: tuple[Any, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server[1], timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def expected(
    served_run: Path, fresh: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What `pictree predict` says, by file name."""
    file = tmp_path_factory.mktemp("predicted") / "new.csv"
    predict(served_run, str(fresh), output=file)
    return {row["path"]: row for row in pl.read_csv(file).to_dicts()}


def as_row(answer: dict[str, Any]) -> dict[str, Any]:
    """Bring an answer into the form of a row of `pictree predict`."""
    same = ("cluster", "label", "confidence", "outcome", "reason")
    found = {key: answer[key] for key in same}
    return {"path": answer["name"], "nearest_path": answer["nearest"]["path"], **found}


def form(files: list[Path]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", (file.name, file.read_bytes())) for file in files]


def test_many_pictures_are_placed_as_predict_places_them(
    client: httpx.Client, fresh: Path, expected: dict[str, dict[str, Any]]
) -> None:
    files = sorted(fresh.iterdir())
    answer = client.post("/predict", files=form(files))
    assert answer.status_code == 200
    found = [as_row(image) for image in answer.json()["images"]]
    assert found == [expected[file.name] for file in files]
    assert {row["label"] for row in found} == {"", "unknown"}


def test_one_picture_as_the_body(
    client: httpx.Client, fresh: Path, expected: dict[str, dict[str, Any]]
) -> None:
    for name, kind in (("0000.png", "image/png"), ("webp-3.webp", "application/octet-stream")):
        headers = {"content-type": kind}
        answer = client.post("/predict", content=(fresh / name).read_bytes(), headers=headers)
        (image,) = answer.json()["images"]
        assert as_row(image | {"name": name}) == expected[name]


def test_a_copy_of_a_known_picture_has_its_stored_place(
    client: httpx.Client, pictures: Path, served_run: Path, tmp_path: Path
) -> None:
    files = sorted(pictures.iterdir())[:20]
    predict(served_run, [str(file) for file in files], output=tmp_path / "same.csv")
    rows = pl.read_csv(tmp_path / "same.csv").to_dicts()
    images = client.post("/predict", files=form(files)).json()["images"]
    assert [i["cluster"] for i in images] == [row["cluster"] for row in rows]
    assert [i["nearest"]["path"] for i in images] == [file.name for file in files]
    assert all(i["confidence"] == 1 and i["distance"] == 0 for i in images)


def test_requests_at_the_same_time_share_batches(
    client: httpx.Client, fresh: Path, expected: dict[str, dict[str, Any]]
) -> None:
    before = measures(client)
    files = sorted(fresh.glob("*.png"))

    def ask(file: Path) -> dict[str, Any]:
        answer = client.post("/predict", files=form([file]))
        assert answer.status_code == 200, answer.text
        return as_row(answer.json()["images"][0])

    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(ask, files * 4))
    assert found == [expected[file.name] for file in files * 4]
    after = measures(client)
    images = after["pictree_batch_images_sum"] - before["pictree_batch_images_sum"]
    batches = after["pictree_batch_images_count"] - before["pictree_batch_images_count"]
    assert images == len(files) * 4
    assert batches < images


def measures(client: httpx.Client) -> dict[str, float]:
    """Read /metrics with Prometheus' own parser; samples of several labels are summed."""
    from prometheus_client.parser import text_string_to_metric_families

    answer = client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0) + sample.value
    return found


def test_metrics_count_requests_and_pictures(client: httpx.Client, fresh: Path) -> None:
    before = measures(client)
    client.post("/predict", files=form([fresh / "0000.png", fresh / "0001.png"]))
    client.get("/no/such/address")
    client.get("/neither/this/one")
    after = measures(client)
    assert after["pictree_images_total"] == before.get("pictree_images_total", 0) + 2
    assert after["pictree_requests_total"] == before["pictree_requests_total"] + 4
    assert "no/such" not in client.get("/metrics").text
    assert after["pictree_run_info"] == 1


def test_similar_finds_the_picture_itself_first(client: httpx.Client, pictures: Path) -> None:
    files = sorted(pictures.iterdir())[:5]
    images = client.post("/similar?k=3", files=form(files)).json()["images"]
    for file, image in zip(files, images, strict=True):
        assert len(image["similar"]) == 3
        assert image["similar"][0]["path"] == file.name
        distances = [one["distance"] for one in image["similar"]]
        assert distances == sorted(distances)
        assert distances[0] < 1e-3 < distances[1]


def test_similar_agrees_with_predict(
    client: httpx.Client, fresh: Path, expected: dict[str, dict[str, Any]]
) -> None:
    file = fresh / "0007.png"
    (image,) = client.post("/similar", files=form([file])).json()["images"]
    assert len(image["similar"]) == 10
    assert image["similar"][0]["path"] == expected[file.name]["nearest_path"]


def test_a_broken_picture_costs_nothing_but_itself(client: httpx.Client, fresh: Path) -> None:
    whole = (fresh / "0000.png").read_bytes()
    parts = [("a", ("good.png", whole)), ("b", ("torn.png", whole[:60])), ("c", ("text.png", b"x"))]
    images = client.post("/predict", files=parts).json()["images"]
    assert [image["outcome"] for image in images] == ["used", "unreadable", "not an image"]
    assert "cluster" in images[0]
    assert "cluster" not in images[1]
    answer = client.post("/predict", files=parts[1:2])
    assert answer.status_code == 422
    assert answer.json() == {
        "error": "None of the pictures can be used: unreadable, truncated PNG file.",
        "images": [
            {"name": "torn.png", "outcome": "unreadable", "reason": "truncated PNG file"},
        ],
    }


def test_clusters_and_health(client: httpx.Client, served_run: Path) -> None:
    clusters = client.get("/clusters").json()["clusters"]
    assert [row["cluster"] for row in clusters] == list(range(10))
    assert sum(row["images"] for row in clusters) == 500
    assert client.get("/health").json() == {
        "status": "ok",
        "run": "run",
        "images": 500,
        "clusters": "tree-10",
        "k": 10,
        "version": "0.1.0",
    }


def test_the_run_is_left_as_it_was(client: httpx.Client, served_run: Path, fresh: Path) -> None:
    from pictree.manifest import condition

    before = sorted(served_run.rglob("*"))
    client.post("/predict", files=form(sorted(fresh.iterdir())))
    assert sorted(served_run.rglob("*")) == before
    assert condition(served_run).bad == []


def test_it_ends_at_sigterm(server: tuple[subprocess.Popen[str], str]) -> None:
    process, address = server
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(timeout=60) == 0
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{address}/health")
