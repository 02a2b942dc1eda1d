"""A real server of objects: moto's, in a process of its own."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

SECRETS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # else boto asks another machine who it is
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


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


def start(log: Path) -> Server:
    words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=out)
    while not (found := re.search(r"http://127.0.0.1:\d+", log.read_text())):
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    return Server(process, log, found[0])
