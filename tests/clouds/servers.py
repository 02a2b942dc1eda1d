"""Real servers of objects, each in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Server:
    """A server of objects, and what it was asked."""

    process: subprocess.Popen[bytes]
    log: Path
    address: str

    @property
    def asked(self) -> list[str]:
        """Method and address of each request so far."""
        return re.findall(r'"(?:\x1b\[\d+m)*([A-Z]+ \S+) HTTP', self.log.read_text())

    def stop(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()


def started(words: list[str], log: Path, ready: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start a module, and return it with what its log says when it is ready."""
    with log.open("wb") as out:
        process = subprocess.Popen([sys.executable, "-m", *words], stdout=out, stderr=out)
    while not (found := re.search(ready, log.read_text())):
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    return process, found[0]
