"""A real server of objects: moto's, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.clouds.servers import Server, started

SECRETS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",  # else boto asks another machine who it is
    "AWS_CONFIG_FILE": "/nowhere",
    "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
}


def start(log: Path) -> Server:
    words = ["moto.server", "-H", "127.0.0.1", "-p", "0"]
    process, address = started(words, log, r"http://127.0.0.1:\d+")
    return Server(process, log, address)
