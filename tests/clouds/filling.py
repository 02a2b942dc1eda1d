"""A server of objects that stands before another one and takes so many writes: then it is full."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_FULL = b"<Error><Code>InsufficientStorage</Code><Message>The bucket is full</Message></Error>"


@contextmanager
def full_after(address: str, writes: int) -> Iterator[str]:
    """Pass on all but the writes after so many; yield the address to ask in place of the other."""
    left = [writes]

    class Before(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            left[0] -= self.command == "PUT"
            if self.command == "PUT" and left[0] < 0:
                self.answer(507, [], _FULL)
                return
            there = HTTPConnection(address.removeprefix("http://"))
            there.request(self.command, self.path, body, dict(self.headers))
            found = there.getresponse()
            self.answer(found.status, found.getheaders(), found.read())

        def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            kept = ("transfer-encoding", "connection")
            for name, value in headers:
                if name.lower() not in kept and name.lower() != "content-length":
                    self.send_header(name, value)
            lengths = [value for name, value in headers if name.lower() == "content-length"]
            self.send_header("Content-Length", lengths[0] if lengths else str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    for method in ("GET", "PUT", "HEAD", "POST", "DELETE"):
        setattr(Before, f"do_{method}", Before.pass_on)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Before)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
