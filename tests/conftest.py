"""Fixtures shared by all tests: packaged real data, and the larger data sets where they are."""

from __future__ import annotations

import os
import runpy
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

OFFLINE = Path(__file__).parent / "offline"
CONNECTIONS = Path(tempfile.mkstemp(prefix="connections-")[1])
os.environ["PICTREE_TEST_CONNECTIONS"] = str(CONNECTIONS)
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(OFFLINE), os.environ.get("PYTHONPATH")])
)
os.environ["HF_HUB_OFFLINE"] = "1"  # what opens our exports would ask for news
runpy.run_path(str(OFFLINE / "sitecustomize.py"))
settings.register_profile("pictree", deadline=None)  # a busy machine is no fault
settings.load_profile("pictree")
# Side by side, each test process and what it starts gets its share of the cores.
if workers := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) // int(workers))))

PACKAGED = Path(__file__).parent.parent / "pictree" / "data"


def pytest_unconfigure() -> None:
    """Remove the notes."""
    CONNECTIONS.unlink(missing_ok=True)


@pytest.fixture(autouse=True)
def _no_network() -> Iterator[None]:
    """Fail a test during which anything but this machine was asked for."""
    yield
    if noted := CONNECTIONS.read_text():
        CONNECTIONS.write_text("")
        pytest.fail(f"a connection to another machine:\n{noted}")


@pytest.fixture(scope="session")
def digits_idx() -> tuple[Path, Path]:
    """Paths of the packaged 10,000 MNIST test digits and of their labels (IDX.gz)."""
    return PACKAGED / "t10k-images-idx3-ubyte.gz", PACKAGED / "t10k-labels-idx1-ubyte.gz"


@pytest.fixture(scope="session")
def digits(digits_idx: tuple[Path, Path]) -> tuple[np.ndarray, np.ndarray]:
    """The same as arrays: uint8 (10000, 28, 28) and int64 (10000,)."""
    import gzip

    images = np.frombuffer(gzip.decompress(digits_idx[0].read_bytes()), np.uint8, offset=16)
    known = np.frombuffer(gzip.decompress(digits_idx[1].read_bytes()), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), known.astype(np.int64)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of the larger data sets: $PICTREE_DATA, or shared/data beside the checkout."""
    default = Path(__file__).parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("PICTREE_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"no larger data sets at {folder}; set PICTREE_DATA")
    return folder
