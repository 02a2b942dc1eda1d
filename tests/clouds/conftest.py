"""A server of objects for the tests of buckets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clouds.moto_server import SECRETS, Server, start


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests; what they start finds it by the environment."""
    server = start(tmp_path_factory.mktemp("server") / "log")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**SECRETS, "AWS_ENDPOINT_URL": server.address}.items():
            patch.setenv(name, value)
        yield server
    server.process.kill()
    server.process.wait()
