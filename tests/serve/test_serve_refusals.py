"""What the server refuses, each with a status and a sentence; in process."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from pictree.errors import InputError, RunError
from pictree.label.serve import bound
from pictree.serve.app import api_app
from pictree.serve.limits import Limits
from pictree.serve.model import Model
from pictree.serve.openapi import openapi
from pictree.serve.serve import hosts_of
from pictree.store import Run

HOST = "127.0.0.1:8400"
LIMITS = Limits(megabytes=1, images=3, megapixels=1)
PNG = {"content-type": "image/png"}


@pytest.fixture(scope="module")
def model(served_run: Path) -> Iterator[Model]:
    with Model(served_run, LIMITS) as opened:
        yield opened


def client_of(model: Model, limits: Limits = LIMITS) -> TestClient:
    """Return a context manager: without it, each request would have a loop of its own."""
    app = api_app(model, hosts=[HOST, "localhost:8400"], limits=limits, version="1.2.3")
    return TestClient(app, base_url=f"http://{HOST}")


@pytest.fixture
def client(model: Model) -> Iterator[TestClient]:
    with client_of(model) as opened:
        yield opened


@pytest.fixture
def picture(fresh: Path) -> bytes:
    return (fresh / "0000.png").read_bytes()


def refusal(answer: Any) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/json"
    return answer.status_code, answer.json()["error"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8400", "127.0.0.1", "0.0.0.0:8400"])
def test_only_its_own_names_are_answered(client: TestClient, host: str) -> None:
    answer = client.get("/health", headers={"host": host})
    assert refusal(answer) == (
        421,
        f"This server does not answer to the name {host!r}: start it with --name NAME to add one.",
    )
    assert client.get("/health", headers={"host": "localhost:8400"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8400"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_pages_of_other_addresses_are_refused(
    client: TestClient, headers: dict[str, str], picture: bytes
) -> None:
    expected = 403, "Requests from web pages of other addresses are refused."
    assert refusal(client.get("/clusters", headers=headers)) == expected
    answer = client.post("/predict", content=picture, headers=PNG | headers)
    assert refusal(answer) == expected
    assert "access-control-allow-origin" not in answer.headers


def test_a_page_of_its_own_address_is_let_in(client: TestClient) -> None:
    headers = {"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}
    assert client.get("/health", headers=headers).status_code == 200


def test_too_many_bytes(client: TestClient) -> None:
    large = b"\0" * 1_000_001
    expected = 413, "A request may have at most 1 MB."
    assert refusal(client.post("/predict", content=large, headers=PNG)) == expected
    assert refusal(client.post("/predict", content=iter([large]), headers=PNG)) == expected
    form = {"files": [("image", ("a.png", large))]}
    assert refusal(client.post("/predict", **form)) == expected
    assert refusal(client.post("/predict", headers={**PNG, "content-length": "x"})) == expected


def test_too_many_pictures(client: TestClient, picture: bytes) -> None:
    files = [("image", (f"{i}.png", picture)) for i in range(4)]
    expected = 413, "A request may have at most 3 pictures."
    assert refusal(client.post("/predict", files=files)) == expected


def test_too_many_pixels(client: TestClient) -> None:
    file = BytesIO()
    Image.new("L", (1001, 1000)).save(file, "PNG")
    answer = client.post("/predict", content=file.getvalue(), headers=PNG)
    sentence = "None of the pictures can be used: too large, more than 1 megapixels."
    assert refusal(answer) == (422, sentence)


def test_too_much_time(model: Model, picture: bytes) -> None:
    with client_of(model, replace(LIMITS, seconds=1e-6)) as hurried:
        answer = hurried.post("/predict", content=picture, headers=PNG)
    assert refusal(answer) == (503, "The request took more than 1e-06 seconds.")
    assert answer.headers["retry-after"] == "1"


def test_too_many_at_a_time(model: Model, picture: bytes) -> None:
    with client_of(model, replace(LIMITS, waiting=0)) as full:
        answer = full.post("/predict", content=picture, headers=PNG)
        sentence = "Too many requests are being answered; send it again in a moment."
        assert refusal(answer) == (503, sentence)
        assert full.get("/health").status_code == 200


def test_what_is_no_picture(client: TestClient, picture: bytes) -> None:
    how = (
        "Send one picture as the body (Content-Type image/png or application/octet-stream), or "
        "several as multipart/form-data."
    )
    assert refusal(client.post("/predict", json={})) == (415, how)
    assert refusal(client.post("/predict")) == (415, how)
    boundary = {"content-type": "multipart/form-data; boundary=x"}
    empty = client.post("/predict", content=b"--x--\r\n", headers=boundary)
    assert refusal(empty) == (400, f"The form has no picture. {how}")
    field = client.post("/predict", files=[("a", ("a.png", picture))], data={"b": "c"})
    assert refusal(field) == (
        400,
        "Every part of the form must be a file: -F image=@picture.png.",
    )
    status, sentence = refusal(
        client.post("/predict", content=b"junk", headers={"content-type": "multipart/form-data"})
    )
    assert status == 400
    assert sentence.startswith("The form can't be read: ")


def test_a_name_that_is_half_a_character_is_text(client: TestClient, picture: bytes) -> None:
    """A form may say in which of Python's codecs a name is."""
    about = 'form-data; name="image"; filename="\\ud800.png"'
    body = f"--x\r\nContent-Disposition: {about}\r\nContent-Type: image/png\r\n\r\n".encode()
    kind = "multipart/form-data; boundary=x; charset=unicode_escape"
    answer = client.post(
        "/predict", content=body + picture + b"\r\n--x--\r\n", headers={"content-type": kind}
    )
    assert answer.status_code == 200
    assert answer.json()["images"][0]["name"] == "\\ud800.png"


@pytest.mark.parametrize("k", ["0", "101", "-1", "x", "1.5", "٣", "9" * 5000, "000000001999"])
def test_k_is_a_whole_number_within_the_limit(client: TestClient, picture: bytes, k: str) -> None:
    answer = client.post("/similar", params={"k": k}, content=picture, headers=PNG)
    assert refusal(answer) == (400, "k must be a whole number from 1 to 100.")


def test_addresses_and_methods_that_are_not_there(client: TestClient) -> None:
    nothing = 404, "There is nothing at this address; /openapi.json lists what is."
    for path in ("/", "/run.json", "/../run.json", "/predict/x", "/labels.db"):
        assert refusal(client.get(path)) == nothing
    assert refusal(client.get("/predict")) == (405, "/predict takes POST, not GET.")
    assert refusal(client.put("/health")) == (405, "/health takes GET, not PUT.")


def test_every_answer_has_its_guards(client: TestClient) -> None:
    for path in ("/health", "/nothing", "/metrics", "/openapi.json"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_a_fault_of_ours_is_a_sentence(
    client: TestClient, model: Model, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model, "place", lambda *_: 1 / 0)
    answer = client.post("/predict", content=picture, headers=PNG)
    sentence = "This is a fault of Pictree's (ZeroDivisionError); its log says more."
    assert refusal(answer) == (500, sentence)


def test_the_document_is_valid_and_says_what_is_answered(
    client: TestClient, picture: bytes
) -> None:
    from jsonschema import Draft202012Validator
    from openapi_spec_validator import validate

    document = client.get("/openapi.json").json()
    validate(document)
    assert document == json.loads(json.dumps(openapi("1.2.3", LIMITS)))
    routes = {"/predict", "/similar", "/clusters", "/health", "/metrics", "/openapi.json"}
    assert set(document["paths"]) == routes
    asked = {
        "Predictions": client.post("/predict", files=two(picture)),
        "Similar": client.post("/similar", files=two(picture)),
        "Clusters": client.get("/clusters"),
        "Health": client.get("/health"),
        "Error": client.get("/nothing"),
    }
    for name, answer in asked.items():
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema).validate(answer.json())


def two(picture: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    return [("image", ("good.png", picture)), ("image", ("torn.png", picture[:60]))]


def test_a_port_that_is_taken_and_an_address_of_another_machine() -> None:
    def message(host: str, port: int) -> str:
        with pytest.raises(InputError) as caught:
            bound(host, port)
        return str(caught.value)

    with bound("127.0.0.1", None) as taken:
        taken.listen()
        port = taken.getsockname()[1]
        assert message("127.0.0.1", port) == (
            "a server needs an address of this machine and a free port; got 127.0.0.1, port "
            f"{port} (Address already in use). Choose another --port."
        )
    assert message("192.0.2.1", 8400) == (
        "a server needs an address of this machine and a free port; got 192.0.2.1, port 8400 "
        "(Cannot assign requested address). Choose another --port."
    )


def test_an_answer_is_not_held_back_until_its_beginning_is_acknowledged() -> None:
    async def is_sent_at_once() -> bool:
        found: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def met(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            client: socket.socket = writer.get_extra_info("socket")
            found.set_result(client.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            writer.close()

        with bound("127.0.0.1", None) as listening:
            async with await asyncio.start_server(met, sock=listening):
                _, writer = await asyncio.open_connection(*listening.getsockname())
                writer.close()
                return bool(await found)

    assert asyncio.run(is_sent_at_once())


def test_names_of_the_server() -> None:
    local = ["127.0.0.1:8400", "localhost:8400"]
    assert hosts_of("127.0.0.1", 8400, []) == local
    named = hosts_of("0.0.0.0", 8400, ["pictree.lan"])  # noqa: S104
    assert named == sorted([*local, "0.0.0.0:8400", "pictree.lan", "pictree.lan:8400"])
    assert "localhost" in hosts_of("127.0.0.1", 80, [])
    assert "[::1]:8400" in hosts_of("::1", 8400, [])


def test_a_cut_of_the_tree_is_served_too(served_run: Path, tmp_path: Path) -> None:
    from pictree.pipeline.cut import cut

    run = Path(shutil.copytree(served_run, tmp_path / "run"))
    cut(run, 4)
    with Model(run, LIMITS, k=4) as model:
        assert [row["cluster"] for row in model.clusters] == [0, 1, 2, 3]
        assert (model.facts["k"], model.facts["clusters"]) == (4, "tree-4")


def test_runs_that_cannot_be_served(served_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(served_run, tmp_path / "run"))
    Run(run).update(codes={"file": "x.npy"})
    with pytest.raises(RunError) as caught:
        Model(run, LIMITS)
    assert str(caught.value) == (
        f"a run that is served must have made its own codes; got {run}, whose codes came from "
        "outside. Use `pictree predict RUN PICTURES --codes FILE.npy`."
    )
    for name in ("metrics.json", "manifest.json"):
        (run / name).unlink()
    with pytest.raises(RunError) as caught:
        Model(run, LIMITS)
    assert str(caught.value) == (
        f"only a finished run can be served; got {run}, whose fit has not ended. "
        "Finish it: the same `pictree fit` command with --resume."
    )


@pytest.mark.skipif(sys.platform != "linux", reason="needs names that are no UTF-8")
def test_a_run_in_a_folder_whose_name_is_no_text_is_served(
    served_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / os.fsdecode(b"run \xff")
    shutil.copytree(served_run, folder)
    with Model(folder, Limits()) as model, client_of(model) as client:
        assert client.get("/health").json()["run"] == "run \\xff"
        assert 'run="run \\\\xff"' in client.get("/metrics").text
