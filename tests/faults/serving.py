"""A warmed parent that serves a run's label page in forked children, each until it is killed.

``python -m tests.faults.serving RUN``: a line on standard input begins a child, which prints its
address and number.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from pictree.label.serve import serve
from tests.faults.forks import ONE_THREAD


class Server:
    """The label page of one run, killed and begun again at will; a context manager.

    Attributes
    ----------
    host : str
        Such as ``127.0.0.1:8400``; another after each start.
    token : str
    """

    def __init__(self, run: Path, limit: int | None = None) -> None:
        """Serve a run; `limit` is the number of open files that a user usually may have."""
        few = [] if limit is None else ["prlimit", f"--nofile={limit}:"]
        self._parent = subprocess.Popen(
            [*few, sys.executable, "-m", "tests.faults.serving", str(run)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ONE_THREAD,
            cwd=Path(__file__).parents[2],
        )
        self.start()

    def start(self) -> None:
        """Begin to serve."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write("serve\n")
        self._parent.stdin.flush()
        told = json.loads(self._parent.stdout.readline())
        self.host, _, self.token = told["address"].removeprefix("http://").partition("/?token=")
        self.pid = told["pid"]

    def kill(self) -> None:
        """End the server as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.stdout.close()
        self._parent.wait()


def main(run: str) -> None:
    """Fork a server for each line, once the one before is dead, and its lock free."""
    child = 0
    for _ in sys.stdin:
        if child:
            os.waitpid(child, 0)
        child = os.fork()
        if child == 0:
            serve(run, browser=False, say=_tell)
            os._exit(0)


def _tell(found: dict[str, str]) -> None:
    print(json.dumps({**found, "pid": os.getpid()}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1])
