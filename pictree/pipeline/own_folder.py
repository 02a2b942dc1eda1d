"""A folder for temporary files that goes with its process, however that ends."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import lru_cache
from pathlib import Path

_KEEP = "import shutil, sys; sys.stdin.read(); shutil.rmtree(sys.argv[1], ignore_errors=True)"
_keepers: list[subprocess.Popen[bytes]] = []


@lru_cache(maxsize=1)
def own_folder() -> Path:
    """Return this process's folder; another process removes it when this one is gone.

    An engine ends its workers by SIGKILL, and then they remove nothing themselves.
    """
    folder = tempfile.mkdtemp(prefix="pictree-")
    # What it reads ends when the last end of the pipe is closed, as the system does for the dead.
    keeper = subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-I", "-S", "-c", _KEEP, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _keepers.append(keeper)
    return Path(folder)
