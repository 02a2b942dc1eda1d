"""Eight people at one label page, whose server is killed again and again: no name is lost.

Each client names its own group, again and again, and writes down each name that was acknowledged.
"""

from __future__ import annotations

import http.client
import json
import random
import shutil
import socket
import threading
import time
from pathlib import Path

import pytest

from pictree.label.store import read_rows
from pictree.pipeline.fit import fit
from pictree.recipes.recipe import change, load_recipe
from tests.faults.serving import Server
from tests.faults.sockets import measure

CLIENTS = 8


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, digits: tuple) -> Path:
    out = tmp_path_factory.mktemp("clients") / "run"
    changes = {"maps.methods": [], "clustering.k": "10"}
    fit(digits[0][:400], out, recipe=change(load_recipe("quick"), **changes))
    return out


class Crowd:
    """What the clients share: the server, and the names that were acknowledged."""

    def __init__(self, server: Server) -> None:
        self.server, self.turn = server, threading.Condition()
        self.acknowledged: dict[int, list[str]] = {n: [] for n in range(CLIENTS)}
        self.count, self.faults, self.ended = 0, [], 0

    def client(self, number: int, edits: int) -> None:
        try:
            at = Client(self.server, number)
            for edit in range(edits):
                at.name(f"client {number}, name {edit}")
                with self.turn:
                    self.acknowledged[number].append(f"client {number}, name {edit}")
                    self.count += 1
                    self.turn.notify_all()
        except Exception as error:
            self.faults.append(repr(error))
        finally:
            with self.turn:
                self.ended += 1
                self.turn.notify_all()

    def kill(self, times: int, edits: int) -> int:
        """Kill the server in the middle, at random counts of names; return how often."""
        chance = random.Random(0)
        points = sorted(chance.sample(range(1, CLIENTS * edits - CLIENTS), times))
        for struck, point in enumerate(points):
            with self.turn:
                self.turn.wait_for(lambda p=point: self.count >= p or self.ended == CLIENTS)
                if self.ended == CLIENTS:
                    return struck
            self.server.kill()
            self.server.start()
        return times


class Client:
    """One person, who looks again after a refusal, and repeats what was not acknowledged."""

    def __init__(self, server: Server, number: int) -> None:
        self.server, self.number, self.revision = server, number, -1

    def name(self, text: str) -> None:
        """Name the group until that is acknowledged."""
        while True:
            try:
                if self.revision < 0:
                    self._look()
                body = {"group": self.group, "name": text}
                asked = {"revision": self.revision, "kind": "label", "body": body}
                status, said = self._ask("POST", "/api/act", json.dumps(asked))
            except (OSError, http.client.HTTPException):
                self.revision = -1
                time.sleep(0.01)  # there is no server just now
                continue
            if status == 200:
                self.revision = said["state"]["revision"]
                return
            if status not in (403, 409, 421):
                raise AssertionError((status, said))
            self.revision = -1

    def _look(self) -> None:
        status, state = self._ask("GET", "/api/state", None)
        if status != 200:  # another server by now, with another token
            raise http.client.HTTPException(status)
        self.revision = state["revision"]
        self.group = sorted(group["key"] for group in state["groups"])[self.number]

    def _ask(self, method: str, path: str, body: str | None) -> tuple[int, dict]:
        host, token = self.server.host, self.server.token
        line = http.client.HTTPConnection(host, timeout=60)
        try:
            headers = {"X-Pictree-Token": token, "Content-Type": "application/json"}
            line.request(method, path, body, headers)
            answer = line.getresponse()
            read = answer.read()
            return answer.status, json.loads(read) if answer.status in (200, 409) else {}
        finally:
            line.close()


@pytest.mark.parametrize(
    ("kills", "edits"), [(5, 12), pytest.param(200, 1_000, marks=pytest.mark.slow)]
)
def test_no_acknowledged_name_is_lost(run: Path, tmp_path: Path, kills: int, edits: int) -> None:
    shutil.copytree(run, tmp_path / "run")
    with Server(tmp_path / "run") as server:
        crowd = Crowd(server)
        each = [threading.Thread(target=crowd.client, args=(n, edits)) for n in range(CLIENTS)]
        for thread in each:
            thread.start()
        struck = crowd.kill(kills, edits)
        for thread in each:
            thread.join()
    assert crowd.faults == []
    assert struck == kills
    rows = read_rows(tmp_path / "run") or []
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    kept = [row.body["name"] for row in rows if row.kind == "label"]
    for number, names in crowd.acknowledged.items():
        assert len(names) == edits
        mine = [name for name in kept if name.startswith(f"client {number},")]
        # What was on the disk, and not acknowledged before the kill, was said twice.
        assert list(dict.fromkeys(mine)) == names
    assert len(kept) <= CLIENTS * (edits + kills)


@pytest.mark.skipif(shutil.which("prlimit") is None, reason="needs prlimit")
def test_who_holds_many_sockets_shuts_nobody_out(run: Path, tmp_path: Path) -> None:
    """A usual limit of open files would be reached by connections that say nothing."""
    shutil.copytree(run, tmp_path / "run")
    with Server(tmp_path / "run", limit=128) as server:
        host, _, port = server.host.partition(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(300)]
        Client(server, 0).name("a name")
        for one in idle:
            one.close()
    rows = read_rows(tmp_path / "run") or []
    assert rows[-1].body["name"] == "a name"


@pytest.mark.slow
def test_a_thousand_sockets_and_huge_requests_stop_nobody(run: Path, tmp_path: Path) -> None:
    """How long the person waits is measured by ``python -m tests.faults.sockets``."""
    shutil.copytree(run, tmp_path / "run")
    found = measure(tmp_path / "run")
    assert found["sockets"] == 1_000
    assert found["huge"] == [413, 400, 400]
