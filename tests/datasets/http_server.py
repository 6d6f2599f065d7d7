"""A real HTTP server on loopback that can be as unreliable as a network."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BLOCK = 16 * 1024


@dataclass
class Served:
    """One file, and how it is served.

    `breaks_off[i]` is the number of bytes after which the i-th answer is cut off; after `stalls_after` bytes the
    server sends nothing more; `declares` is a Content-Length that may be wrong; `pause` is the time in seconds before
    each block of 16 KiB.
    """

    body: bytes
    breaks_off: tuple[int, ...] = ()
    ranges: bool = True
    declares: int | None = None
    chunked: bool = False
    stalls_after: int | None = None
    status: int = 200
    pause: float = 0.0


@dataclass
class Request:
    """A request: `range` is the header, or empty if none was sent; `sent` is the number of body bytes sent in reply."""

    path: str
    range: str
    sent: int = 0


@dataclass
class Server:
    """`files` maps a path such as `/train.zip` to what is served there; `requests` lists the requests so far."""

    url: str
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, path: str, body: bytes, **behaviour: object) -> str:
        """Serve `body` at `path` and return its URL."""
        self.files[path] = Served(body, **behaviour)  # type: ignore[arg-type]
        return self.url + path


@contextmanager
def loopback_server() -> Iterator[Server]:
    """Run a server on a free port of 127.0.0.1 for the duration of the block."""
    http = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_address[1]}")
    http.state = server  # type: ignore[attr-defined]
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        http.shutdown()
        http.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        state: Server = self.server.state  # type: ignore[attr-defined]
        served = state.files.get(self.path, Served(b"no such file", status=404))
        request = Request(self.path, self.headers.get("Range", ""))
        before = sum(earlier.path == self.path for earlier in state.requests)
        state.requests.append(request)
        start = _start(request.range) if served.ranges and served.status == 200 else 0
        until = len(served.body)
        if before < len(served.breaks_off):
            until = min(until, start + served.breaks_off[before])
        self.close_connection = True
        if start >= len(served.body) > 0:
            self.send_error(416)
            return
        self._head(served, start)
        with suppress(ConnectionError):
            self._send(served, start, until, request, state.closing)

    def _head(self, served: Served, start: int) -> None:
        whole = len(served.body)
        self.send_response(206 if start else served.status)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        if served.chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            declared = whole - start if start or served.declares is None else served.declares
            self.send_header("Content-Length", str(declared))
        self.end_headers()

    def _send(self, served: Served, start: int, until: int, request: Request, closing: threading.Event) -> None:
        if served.stalls_after is not None:
            until = min(until, start + served.stalls_after)
        for at in range(start, until, BLOCK):
            if served.pause and closing.wait(served.pause):
                return
            block = served.body[at : min(at + BLOCK, until)]
            request.sent += len(block)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(block), block) if served.chunked else block)
        if served.stalls_after is not None:
            closing.wait()
        if served.chunked and until == len(served.body):
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *arguments: object) -> None: ...


def _start(asked: str) -> int:
    found = re.fullmatch(r"bytes=(\d+)-", asked)
    return int(found[1]) if found else 0
