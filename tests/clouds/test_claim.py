"""Two writers of one run at an address: the second is told of the first, a dead one forgotten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from pictree.errors import RunError
from pictree.files import json_bytes, sha256_of, write_json
from pictree.manifest import MANIFEST
from pictree.pipeline import claim as claims
from pictree.pipeline.away import edited, home_of
from pictree.pipeline.claim import CLAIM, claimed
from pictree.pipeline.publish import fetch_finished, listed, publish
from pictree.pipeline.shelf import Shelf
from pictree.progress import Progress
from tests.clouds.servers import Server

RUN = "memory://bucket/run"
AT = "2026-11-22T10:00:00+00:00"


def claim_of(bucket: dict[str, Any]) -> dict[str, Any]:
    return json.loads(bucket[f"/bucket/run/{CLAIM}"].getvalue())


def finished(folder: Path, text: str) -> dict[str, str]:
    """Write what passes for a run; return its list."""
    folder.mkdir()
    (folder / "run.json").write_text(text)
    return {"run.json": sha256_of(folder / "run.json")}


def test_the_second_writer_is_told_of_the_first(bucket: dict[str, Any], tmp_path: Path) -> None:
    publish(Shelf(RUN), tmp_path / "run", finished(tmp_path / "run", "{}"), MANIFEST)
    before = sorted(bucket)
    with claimed(Shelf(RUN)):
        told = claim_of(bucket)
        for writer in (edited(RUN), home_of(RUN, resume=True, progress=Progress())):
            with pytest.raises(RunError) as caught, writer:
                pass
            assert str(caught.value) == (
                f"Only one process may write a run; got {RUN}, which process {told['process']} on "
                f"{told['machine']} writes, since {told['since']}, last heard of at {told['at']}. "
                "Wait until it has ended. If it was killed, try again 5 minutes after it was last "
                f"heard of, or remove {RUN}/writing.json."
            )
        assert claim_of(bucket) == told
        fetch_finished(Shelf(RUN), tmp_path / "copy")  # who reads is not held up
    assert sorted(bucket) == before


def test_it_is_heard_of_again_and_again(
    bucket: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claims, "BEAT_SECONDS", 0.001)
    times = iter(range(10_000))
    monkeypatch.setattr(claims, "_time", lambda: str(next(times)))
    with claimed(Shelf(RUN)):
        while int(claim_of(bucket)["at"]) < 5:
            pass
    assert bucket == {}


def test_a_dead_writer_of_this_machine_is_forgotten(bucket: dict[str, Any]) -> None:
    words = "from pictree.pipeline.claim import _here; import os; print(_here(os.getpid()), end='')"
    with subprocess.Popen([sys.executable, "-c", words], stdout=subprocess.PIPE) as process:
        here, _ = process.communicate()
    dead = {"process": process.pid, "here": here.decode(), "token": "x", "at": AT}
    Shelf(RUN).write(CLAIM, json_bytes(dead))
    with claimed(Shelf(RUN)):
        assert claim_of(bucket)["process"] == os.getpid()
    assert bucket == {}


@pytest.mark.parametrize(("seconds", "is_dead"), [(240, False), (360, True)])
def test_a_writer_elsewhere_is_dead_after_five_silent_minutes(
    bucket: dict[str, Any], seconds: int, is_dead: bool
) -> None:
    at = (datetime.now(timezone.utc) - timedelta(seconds=seconds)).isoformat(timespec="seconds")
    told = {"process": 1, "machine": "far", "here": "a/b/c", "token": "x", "since": AT, "at": at}
    Shelf(RUN).write(CLAIM, json_bytes(told))
    if is_dead:
        with claimed(Shelf(RUN)):
            assert claim_of(bucket)["process"] == os.getpid()
        return
    with pytest.raises(RunError) as caught, claimed(Shelf(RUN)):
        pass
    assert f"which process 1 on far writes, since {AT}, last heard of at {at}" in str(caught.value)
    assert claim_of(bucket) == told


def test_who_was_taken_for_dead_publishes_nothing(bucket: dict[str, Any], tmp_path: Path) -> None:
    publish(Shelf(RUN), tmp_path / "run", finished(tmp_path / "run", "{}"), MANIFEST)
    before = listed(Shelf(RUN))
    other = {"process": 1, "machine": "far", "token": "x", "since": AT, "at": AT}

    def change() -> None:
        with edited(RUN) as home:
            write_json(home.folder / MANIFEST, finished(home.folder / "more", "new"))
            Shelf(RUN).write(CLAIM, json_bytes(other))

    with pytest.raises(RunError, match="which process 1 on far writes"):
        change()
    assert listed(Shelf(RUN)) == before
    assert claim_of(bucket) == other  # which is the other's to remove


@pytest.mark.slow
def test_of_many_at_once_one_has_it(server: Server) -> None:
    """On a server of S3, by its conditional writes."""
    pytest.importorskip("s3fs").S3FileSystem.clear_instance_cache()
    import s3fs

    s3fs.S3FileSystem().mkdir("claims")

    def taken(number: int) -> bool:
        return Shelf(f"s3://claims/{number // 8}").create(CLAIM, str(number).encode())

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(taken, range(64)))
    for run in range(8):
        [winner] = [number for number in range(8 * run, 8 * run + 8) if made[number]]
        assert Shelf(f"s3://claims/{run}").read(CLAIM) == str(winner).encode()
