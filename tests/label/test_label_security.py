"""Who may talk to the page: every refusal, in process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from pictree.label.app import label_app, page_files
from pictree.label.guard import MOST_BYTES
from pictree.label.session import Session
from pictree.store import Run

HOST, TOKEN = "127.0.0.1:8400", "this-start's-token"
ORIGIN = f"http://{HOST}"
PATHS = ["/page/main.js", "/api/state", "/api/group/1048576", "/sheet?ids=0", "/image/0"]


@pytest.fixture(scope="module")
def session(fitted: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    import shutil

    run = shutil.copytree(fitted, tmp_path_factory.mktemp("security") / "run")
    opened = Session(Run.open(run))
    yield opened
    opened.close()


@pytest.fixture
def stranger(session: Session) -> TestClient:
    """Somebody on this machine who does not know the token."""
    app = label_app(session, hosts=[HOST, "localhost:8400"], token=TOKEN, cookie="pictree-8400")
    return TestClient(app, base_url=ORIGIN)


@pytest.fixture
def person(stranger: TestClient) -> TestClient:
    """The person whose browser opened the printed address."""
    assert stranger.get("/", params={"token": TOKEN}).status_code == 200
    return stranger


def junk(client: TestClient, session: Session, **headers: str) -> Any:
    key = next(iter(session.history.state.groups))
    body = {"revision": session.revision, "kind": "junk", "body": {"group": key}}
    sent = {"origin": ORIGIN, "sec-fetch-site": "same-origin", **headers}
    return client.post("/api/act", json=body, headers=sent)


@pytest.mark.parametrize("path", ["/", *PATHS])
def test_without_the_token_there_is_nothing(stranger: TestClient, path: str) -> None:
    for answer in (stranger.get(path), stranger.get(path, params={"token": "wrong"})):
        assert answer.status_code == 403
        assert answer.text == (
            "Open the address that pictree label printed: it has this start's token.\n"
        )
        assert "set-cookie" not in answer.headers


def test_the_token_becomes_a_cookie_that_scripts_and_other_sites_do_not_have(
    stranger: TestClient,
) -> None:
    answer = stranger.get("/", params={"token": TOKEN})
    assert answer.headers["set-cookie"] == (
        f"pictree-8400={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    )
    assert all(stranger.get(path).status_code == 200 for path in ["/", *PATHS])


@pytest.mark.parametrize("path", PATHS)
def test_the_token_in_any_other_address_counts_for_nothing(stranger: TestClient, path: str) -> None:
    assert stranger.get(path, params={"token": TOKEN}).status_code == 403


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8400", "127.0.0.1", "127.0.0.1:80", "0.0.0.0:8400", ""]
)
def test_only_this_address_is_answered(person: TestClient, host: str) -> None:
    answer = person.get("/api/state", headers={"host": host})
    assert answer.status_code == 421
    assert answer.text == "This page is at the address that pictree label printed, and no other.\n"
    assert person.get("/api/state", headers={"host": "localhost:8400"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "https://127.0.0.1:8400"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_other_pages_can_neither_write_nor_read(
    person: TestClient, session: Session, headers: dict[str, str]
) -> None:
    before = session.revision
    answer = junk(person, session, **headers)
    assert (answer.status_code, answer.text) == (403, "Requests from other pages are refused.\n")
    for path in PATHS:
        assert person.get(path, headers=headers).status_code == 403
    assert session.revision == before


def test_a_form_can_send_nothing(person: TestClient, session: Session) -> None:
    kinds = ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x")
    for kind in kinds:
        assert junk(person, session, **{"content-type": kind}).status_code == 415
    assert session.revision == 1


def test_sizes_are_limited(person: TestClient) -> None:
    as_json = {"content-type": "application/json"}
    large = b" " * (MOST_BYTES + 1)
    assert person.post("/api/act", content=large, headers=as_json).status_code == 413
    in_chunks = iter([large[: MOST_BYTES // 2]] * 3)
    assert person.post("/api/act", content=in_chunks, headers=as_json).status_code == 413
    bad = {**as_json, "content-length": "-1"}
    assert person.post("/api/act", content=b"{}", headers=bad).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/page/..%2f..%2f..%2frun.json",
        "/page/%2e%2e/app.py",
        "/page//etc/passwd",
        "/page/app.py",
        "/image/-1",
        "/image/2000",
        "/image/..%2frun.json",
        "/image/99999999999999999999",
        "/api/group/7",
        "/sheet?ids=0,2000",
        "/labels.db",
        "/static/run.json",
    ],
)
def test_nothing_but_its_own_files_and_pictures(person: TestClient, path: str) -> None:
    assert person.get(path).status_code == 404


@pytest.mark.parametrize("ids", ["", "x", "1,", "-1", "1.5", "0x1", "٣", ",".join(["0"] * 145)])
def test_sheets_are_by_integer_ids(person: TestClient, ids: str) -> None:
    assert person.get("/sheet", params={"ids": ids}).status_code == 400


@pytest.mark.parametrize(
    "body", ["", "{", "[1]", "null", '{"revision": "1"}', '{"revision": 1}', "[" * 100_000]
)
def test_what_is_no_request_is_refused(person: TestClient, session: Session, body: str) -> None:
    headers = {"content-type": "application/json"}
    answer = person.post("/api/act", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert session.revision == 1


def test_facts_can_not_be_forged(person: TestClient, session: Session) -> None:
    for kind in ("start", "added", "spread", "regroup", "__class__"):
        body = {"revision": 1, "kind": kind, "body": {"groups": [[1]], "titles": ["x"]}}
        answer = person.post("/api/act", json=body)
        assert answer.status_code == 422
    assert session.revision == 1


@pytest.mark.parametrize("path", ["/", *PATHS, "/nothing"])
def test_every_answer_has_its_guards(person: TestClient, path: str) -> None:
    headers = person.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert "access-control-allow-origin" not in headers


def test_the_page_never_parses_markup() -> None:
    for name, text in page_files().items():
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, name
    page = page_files()["index.html"]
    assert " style=" not in page
    assert " onclick" not in page


def test_every_key_is_listed_on_the_page_and_in_the_docs() -> None:
    pages = page_files()
    listened = pages["main.js"].split("  listen({")[1].split("});")[0]
    docs = (Path(__file__).parents[2] / "docs" / "label.md").read_text(encoding="utf-8")
    table = "".join(line for line in docs.splitlines() if line.startswith("|"))
    for key in re.findall(r"\b([A-Z])(?::|,)", listened):
        assert re.search(rf'\["{key}\b', pages["keys.js"]), key
        assert re.search(rf"[| ]{key}[ ,]", table), key


def test_the_page_itself_can_write(person: TestClient, session: Session) -> None:
    answer = junk(person, session)
    assert answer.status_code == 200
    assert answer.json()["state"]["revision"] == session.revision == 2
    assert junk(person, session, **{"x-pictree-token": "wrong"}).status_code == 200  # the cookie
    person.cookies.clear()
    assert junk(person, session).status_code == 403
    assert junk(person, session, **{"x-pictree-token": TOKEN}).status_code == 200
