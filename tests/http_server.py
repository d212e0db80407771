"""A real HTTP server for tests of downloads, with the faults that servers and networks have."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlparse


class FileServer(ThreadingHTTPServer):
    """Serves what is in ``files`` from memory; attributes can be changed between requests.

    Attributes:
        files: content by path, such as ``{"/a.pth": b"..."}``.
        requests: the method, path and ``Range`` of every request, such as ``("GET", "/a.pth", "bytes=100-")``.
        sent: bytes of bodies that were sent, of all requests together.
        cut_after: bytes of a body after which the connection is cut; None: never.
        cuts: how many more bodies are cut; None: all.
        ranges: whether parts can be asked for.
        validators: whether answers have an ETag.
        checks_if_range: whether parts of changed files are refused, as they should be.
        status: answer every request with this error; 0: none.
        failures: how many more requests are answered with it; None: all.
        length: announce this in place of the true length; None: the true one.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.requests: list[tuple[str, str, str]] = []
        self.sent = 0
        self.cut_after: int | None = None
        self.cuts: int | None = None
        self.ranges = True
        self.validators = True
        self.checks_if_range = True
        self.status = 0
        self.failures: int | None = None
        self.length: int | None = None

    def url(self, path: str) -> str:
        """The address of a file."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing: clients that go away are no faults of a test."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[FileServer]:
    """Serve files within a block.

    Example:
        >>> with serving({"/a.pth": b"weights"}) as server:  # doctest: +SKIP
        ...     download(server.url("/a.pth"), tmp_path / "a.pth")
    """
    server = FileServer(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def closed_port() -> Iterator[str]:
    """The address of a server that does not answer."""
    server = FileServer({})
    server.server_close()
    yield server.url("")


class _Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""

    def _answer(self) -> None:
        server, path = self.server, urlparse(self.path).path
        server.requests.append((self.command, path, self.headers.get("Range", "")))
        if server.status and server.failures != 0:
            server.failures = server.failures and server.failures - 1
            self.send_error(server.status)
        elif path not in server.files:
            self.send_error(404)
        else:
            self._send(server.files[path])

    def _send(self, content: bytes) -> None:
        etag = f'"{hashlib.md5(content).hexdigest()}"'
        start = self._start(etag)
        if start is not None and start >= len(content):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(content)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body = content[start or 0 :]
        self.send_response(200 if start is None else 206)
        if start is not None:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.server.validators:
            self.send_header("ETag", etag)
        self.send_header("Content-Length", str(self.server.length or len(body)))
        self.end_headers()
        if self.command == "GET":
            self._write(body)

    def _start(self, etag: str) -> int | None:
        """Where the part begins that is asked for; None for the whole."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if not asked or not self.server.ranges:
            return None
        if self.server.checks_if_range and self.headers.get("If-Range", etag) != etag:
            return None
        return int(asked[1])

    def _write(self, body: bytes) -> None:
        server = self.server
        if server.cut_after is not None and server.cuts != 0 and len(body) > server.cut_after:
            server.cuts = server.cuts and server.cuts - 1
            body = body[: server.cut_after]
        server.sent += len(body)  # before the client has it all and looks
        self.wfile.write(body)
        self.close_connection = True
