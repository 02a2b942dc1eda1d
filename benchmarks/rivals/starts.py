"""How long a start takes, from outside."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def seconds_to(what: str, data: Path, work: Path) -> float:
    """Return the seconds to the end of --help or an import, or to the label page's answer."""
    if what == "label":
        return _label(_run(data, work))
    ours = [sys.executable, "-c"]
    command = {
        "help": [sys.executable, "-m", "pictree.cli", "--help"],
        "import": [*ours, "import pictree"],
    }[what]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    if what == "import":  # without the interpreter's own start
        start = time.perf_counter()
        subprocess.run([*ours, "pass"], check=True)
        seconds -= time.perf_counter() - start
    return seconds


def _run(data: Path, work: Path) -> Path:
    run = work / "label-run"
    if not (run / "report.html").exists():
        pictures = str(data / "mnist" / "t10k-images-idx3-ubyte.gz")
        command = [sys.executable, "-m", "pictree.cli", "fit", pictures, "-o", str(run)]
        subprocess.run([*command, "--recipe", "quick", "--k", "10", "--resume"], check=True)
    return run


def _label(run: Path) -> float:
    command = [sys.executable, "-m", "pictree.cli", "label", str(run), "--no-browser", "--json"]
    start = time.perf_counter()
    served = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        said = ""
        while not said.rstrip().endswith("}"):
            line = served.stdout.readline()  # type: ignore[union-attr]
            if not line:
                raise SystemExit(f"the label page of {run} did not start")
            said += line
        with urllib.request.urlopen(json.loads(said)["address"]) as answer:  # noqa: S310
            answer.read()
        return time.perf_counter() - start
    finally:
        served.terminate()
        served.wait()
