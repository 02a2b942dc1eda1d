"""Labels are read where nothing can be written, such as in a container's read-only mount."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pictree.label.store import LabelStore

_READ = "from pictree.label.store import read_rows; print(len(read_rows(Path({folder!r}))))"


def test_a_read_only_disk(tmp_path: Path) -> None:
    store = LabelStore(tmp_path)
    store.append("start", {"groups": []}, 1)
    store.close()
    assert [file.name for file in tmp_path.iterdir()] == ["labels.db"]
    code = "from pathlib import Path; " + _READ.format(folder=str(tmp_path))
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$1" -c "$2"'
    words = ["unshare", "--mount", "sh", "-c", mount, str(tmp_path), sys.executable, code]
    if shutil.which("unshare") is None or not can_mount(tmp_path):
        pytest.skip("needs the right to mount")
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("1\n", "")


def can_mount(folder: Path) -> bool:
    words = ["unshare", "--mount", "mount", "--bind", str(folder), str(folder)]
    return subprocess.run(words, capture_output=True).returncode == 0
