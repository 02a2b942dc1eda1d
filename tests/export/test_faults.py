"""A full disk, Ctrl-C and a kill leave no folder that looks whole, and the originals alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from pictree.errors import RunError
from pictree.export.export import export
from pictree.export.formats import FORMATS
from pictree.files import new_folder
from tests.export.labelled import labels
from tests.pipeline.conftest import command, command_json

STOPPING = textwrap.dedent(
    """
    import os, signal, sys
    from pictree.export.export import export
    from pictree.progress import Progress

    class Stop(Progress):
        done = 0
        def advance(self, steps=1):
            self.done += steps
            if self.done == 30:
                os.kill(os.getpid(), int(sys.argv[3]))

    export(sys.argv[1], "folders", sys.argv[2], progress=Stop())
    """
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_stopped_half_way(number: int, folder_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = [sys.executable, "-c", STOPPING, str(folder_run), str(out), str(int(number))]
    assert subprocess.run(words, capture_output=True).returncode in (-number, 1, 130)
    assert not out.exists()
    left = [p.name for p in tmp_path.iterdir()]
    assert all(name.startswith(".tmp-") for name in left)
    assert len(left) == (1 if number == signal.SIGKILL else 0)
    assert export(folder_run, "folders", out)["images"] == 61


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 KiB, where mounting one is allowed."""
    folder = tmp_path / "disk"
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    if not hasattr(os, "geteuid") or os.geteuid() or subprocess.run(words).returncode:
        pytest.skip("needs to mount a small file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_is_one_sentence(name: str, folder_run: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(32 * 1024))
    with pytest.raises(RunError) as caught:
        export(folder_run, name, small_disk / "out")
    assert str(caught.value) == (
        f"Writing {small_disk / 'out'} needs free disk space; got 'No space left on device'. "
        "Free some space and run the same command again (`pictree fit`: with --resume)."
    )
    assert [p.name for p in small_disk.iterdir()] == ["filler"]


def test_a_new_folder_that_fails_is_no_folder(tmp_path: Path) -> None:
    def interrupted() -> None:
        with new_folder(tmp_path / "out") as staged:
            (staged / "a").write_text("a")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_can_not_be_written_is_one_sentence(folder_run: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError) as caught:
        export(folder_run, "coco", tmp_path / "file" / "out")
    assert str(caught.value).startswith(f"{tmp_path / 'file' / 'out'} must be writable; got '")


def test_labels_go_from_run_to_run_by_commands(
    labelled_run: Path, folder_run: Path, tmp_path: Path
) -> None:
    import shutil

    fresh = shutil.copytree(folder_run, tmp_path / "fresh")
    file = tmp_path / "labels.csv"
    command_json("export", labelled_run, "--to", "csv", "--only", "labelled", "-o", file)
    found = command_json("labels", "import", fresh, file)
    assert found["labelled"] > 40
    assert labels(Path(fresh)).equals(labels(labelled_run))
    done = command("labels", "import", fresh, tmp_path / "none.csv")
    assert (done.returncode, done.stderr) == (
        2,
        f"pictree: the file of labels must exist; got {tmp_path / 'none.csv'}. Check the path.\n",
    )
