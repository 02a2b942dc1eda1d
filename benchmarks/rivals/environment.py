"""The rivals' own environment: a venv under a cache folder, made once."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

CONSTRAINTS = Path(__file__).parent / "constraints.txt"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "pictree-rivals"
PACKAGES = [
    *("tensorflow-cpu", "keras", "umap-learn", "hdbscan", "pynndescent", "faiss-cpu"),
    *("scikit-learn", "pillow", "torch", "torchvision"),
]
FROM_SOURCE = ["clustpy"]
"""No wheels: wants a C compiler. Its row is left out where that fails."""


def environment(cache: Path) -> Path:
    """Return the Python of the rivals' environment; make it where it is not, or is another's."""
    home = cache / "v"
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    made = home / "constraints.txt"
    wanted = CONSTRAINTS.read_text()
    if made.exists() and made.read_text() == wanted:
        return python
    print(f"making the rivals' environment in {home}", file=sys.stderr, flush=True)
    venv.create(home, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    install += ["-c", str(CONSTRAINTS)]
    subprocess.run([*install, *PACKAGES], check=True)
    for name in FROM_SOURCE:
        if subprocess.run([*install, name], check=False).returncode:
            print(f"{name} could not be built: its row will fail", file=sys.stderr)
    made.write_text(wanted)
    return python
