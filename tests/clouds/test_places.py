"""New pictures placed in a run at an address by workers that see no disk of the driver's."""

from __future__ import annotations

import json
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

from pictree.commands import place
from pictree.engine.base import Local
from pictree.errors import RunError
from pictree.manifest import MANIFEST
from pictree.pipeline import add as adding
from pictree.pipeline import begin as beginning
from pictree.pipeline import carried_places
from pictree.pipeline import predict as predicting
from pictree.pipeline.fit import fit
from pictree.pipeline.shelf import Shelf
from pictree.recipes.recipe import change, load_recipe
from tests.engine.one_fit import untimed

RUN = "memory://bucket/run"


class Elsewhere(Local):
    """Works in this process, and does as if it saw no file of the driver's."""

    is_local, shares_disk = False, False


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for module in (predicting, adding):
        monkeypatch.setattr(module, "open_engine", lambda *_: Elsewhere())
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture(scope="module")
def made(digits: tuple, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two hundred digits, fifty in a shard."""
    folder = tmp_path_factory.mktemp("made")
    np.save(folder / "pile.npy", digits[0][:200])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(beginning, "shard_rows_for", lambda _: 50)
        recipe = change(load_recipe("quick"), **{"maps.methods": []})
        fit(folder / "pile.npy", folder / "run", recipe=recipe)
    return folder / "run"


@pytest.fixture
def run(made: Path, bucket: dict[str, Any], tmp_path: Path) -> Path:
    """It on this disk, and a copy of it at the address."""
    run = Path(shutil.copytree(made, tmp_path / "run"))
    names = [path for path in run.rglob("*") if path.is_file() and path.name != "run.lock"]
    Shelf(RUN).put({path.relative_to(run).as_posix(): path for path in names})
    return run


@pytest.fixture
def new(digits: tuple, tmp_path: Path) -> Path:
    """Two parts: some that the run has, and in the second part one of the first."""
    images = digits[0][190:270].copy()
    images[70] = images[20]
    np.save(tmp_path / "new.npy", images)
    return tmp_path / "new.npy"


def test_they_get_the_places_that_one_process_gives(
    run: Path, new: Path, bucket: dict[str, Any], tmp_path: Path
) -> None:
    before = sorted(bucket)
    place.predict(RUN, [str(new)], output=tmp_path / "away.csv", engine="ray")
    predicting.predict(run, new, output=tmp_path / "here.csv")
    assert (tmp_path / "away.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
    assert sorted(bucket) == before


def test_they_join_as_one_process_lets_them(
    run: Path, new: Path, bucket: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.add(RUN, [str(new)], engine="ray", as_json=True)
    assert json.loads(capsys.readouterr().out)["run"] == RUN
    adding.add(run, new)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / MANIFEST).write_bytes(bucket[f"/bucket/run/{MANIFEST}"].getvalue())
    told = untimed(tmp_path / "copy")
    assert told == untimed(run)
    assert "added/00005.parquet" in told
    assert sorted(bucket) == sorted(
        f"/bucket/run/{name}" for name in [*json.loads((run / MANIFEST).read_text()), MANIFEST]
    )


def test_a_run_that_changes_meanwhile_is_told(
    run: Path, new: Path, bucket: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No worker places by another run than the driver's."""
    files = json.loads((run / MANIFEST).read_text())
    model = next(name for name in files if name.endswith("model.npz"))
    before = sorted(bucket)
    send = carried_places._CarriedPlaces.__init__

    def and_then_changed(self: Any, *asked: Any) -> None:
        send(self, *asked)
        Shelf(RUN).write(model, b"another")

    monkeypatch.setattr(carried_places._CarriedPlaces, "__init__", and_then_changed)
    with pytest.raises(RunError) as caught:
        place.predict(RUN, [str(new)], output=tmp_path / "away.csv", engine="ray")
    assert str(caught.value) == (
        f"Every file of a run must be as its manifest says; got {RUN}/{model}, which was changed "
        "since. Run the command again, in case somebody was writing the run; else restore that "
        "file from a copy."
    )
    assert sorted(bucket) == before
    assert not (tmp_path / "away.csv").exists()


def test_what_a_killed_worker_had_goes_with_it(tmp_path: Path) -> None:
    words = (
        f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}\n"
        "from pictree.pipeline.own_folder import own_folder\n"
        "(own_folder() / 'copy').mkdir(); (own_folder() / 'copy' / 'file').write_text('x')\n"
        "print(own_folder(), flush=True); input()"
    )
    asked = [sys.executable, "-c", words]
    with subprocess.Popen(asked, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        folder = Path(process.stdout.readline().decode().strip())
        assert (folder / "copy" / "file").read_text() == "x"
        process.send_signal(signal.SIGKILL)
    while folder.exists():
        time.sleep(0.01)
