"""A disk that is truly full: a file system of our own, where we may mount one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from pictree.errors import RunError
from pictree.files import write_atomic
from pictree.label.store import LabelStore, read_rows
from tests.faults.filling import disk, may_mount
from tests.faults.forks import asked


@pytest.fixture
def mountable(tmp_path: Path) -> Path:
    """A folder to mount on."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or not may_mount(folder):
        pytest.skip("needs to mount a small file system")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("action", "every"), [("fit and draw", 16), ("learn", 64)])
def test_a_fit_goes_on_after_its_disk_was_full(
    mountable: Path, tmp_path: Path, action: str, every: int
) -> None:
    (found,) = asked(tmp_path, [{"do": "fill", "action": action, "every": every}])
    assert found["wrong"] == []
    assert found["struck"] > 0.8 * found["points"] > 6


def test_an_array_that_finds_no_room_is_told_what_it_needs(mountable: Path) -> None:
    """numpy alone would say how many values were written, and not why no more."""
    file, array = mountable / "codes.npy", np.zeros((500, 400), np.float32)
    with disk(mountable, 160):
        with pytest.raises(RunError) as caught:
            write_atomic(file, lambda to: np.save(to, array))
        assert list(mountable.iterdir()) == []
    assert str(caught.value) == (
        f"Writing {file} needs free disk space; got 'No space left on device'. "
        "Free some space and run the same command again (`pictree fit`: with --resume)."
    )


def until_full(store: LabelStore) -> tuple[int, RunError]:
    """Append rows until one is refused; return how many were not."""
    for number in range(1_000):
        try:
            store.append("label", {"group": 1, "name": "x" * 150}, number + 1)
        except RunError as error:
            return number, error
    raise AssertionError("a thousand rows found room")


def test_a_name_that_found_no_room_is_not_kept_and_all_before_are(mountable: Path) -> None:
    with disk(mountable, 160):
        store = LabelStore(mountable)
        kept, error = until_full(store)
        assert str(error) == (
            f"{mountable / 'labels.db'} must be a file of labels that can be read and written; "
            "got 'database or disk is full'. "
            "Free some space, mend its permissions, or restore it from a copy."
        )
        assert kept > 20
        store.close()
        assert [row.number for row in read_rows(mountable) or []] == list(range(1, kept + 1))
