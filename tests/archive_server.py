"""A local web server of one archive that can be told to misbehave.

A well-behaved answer (200, 206 or 416 with Content-Range, If-Range honoured) is built
first; the next :class:`Fault` in the queue, if any, then spoils it.
"""

import base64
import hashlib
import io
import re
import socket
import ssl
import threading
import zipfile
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


def zip_of(members: Mapping[str, bytes]) -> bytes:
    """Return the bytes of a zip with these members, stored as pictures nearly are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return buffer.getvalue()


@dataclass(frozen=True)
class Fault:
    """How one answer departs from a good one; None leaves that part alone.

    A header whose value is None is left out. After `cut_after` bytes of the body the
    connection is closed, after `stall_after` it falls silent.
    """

    status: int | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    body: bytes | None = None
    cut_after: int | None = None
    stall_after: int | None = None
    whole: bool = False  # as if Range had not been asked for


class ArchiveServer:
    """Serves `content` on 127.0.0.1 in the background, as a context manager."""

    def __init__(
        self,
        content: bytes,
        *,
        etag: str | None = '"v1"',
        states_md5: bool = True,
        honours_if_range: bool = True,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.content, self.etag, self.states_md5 = content, etag, states_md5
        self.honours_if_range = honours_if_range
        self.faults: deque[Fault] = deque()
        self.requests: list[dict[str, str]] = []
        self.released = threading.Event()  # ends every stall
        self._server = _QuietServer(("127.0.0.1", 0), _Handler)
        self._server.archive = self
        self._scheme = "http" if tls is None else "https"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def url(self, host: str = "127.0.0.1", path: str = "/set.zip?version=1") -> str:
        """Return the address, under any name of this machine."""
        return f"{self._scheme}://{host}:{self._server.server_address[1]}{path}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range header of each request so far."""
        return [headers.get("Range") for headers in self.requests]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.released.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def good_answer(
        self, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Build status, headers and body as RFC 9110 has them."""
        answer = {"Content-Type": "application/zip", "Accept-Ranges": "bytes"}
        if self.etag is not None:
            answer["ETag"] = self.etag
        if self.states_md5:
            digest = hashlib.md5(self.content, usedforsecurity=False).digest()
            text = base64.b64encode(digest).decode()
            answer["x-goog-hash"] = f"crc32c=AAAAAA==, md5={text}"
        wanted = re.fullmatch(r"bytes=(\d+)-", headers.get("Range", ""))
        unchanged = headers.get("If-Range", self.etag) == self.etag
        if wanted is None or (self.honours_if_range and not unchanged):
            return 200, answer, self.content
        start, size = int(wanted[1]), len(self.content)
        if start >= size:
            return 416, answer | {"Content-Range": f"bytes */{size}"}, b""
        answer["Content-Range"] = f"bytes {start}-{size - 1}/{size}"
        return 206, answer, self.content[start:]


class _QuietServer(ThreadingHTTPServer):
    archive: ArchiveServer
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _QuietServer

    def do_GET(self) -> None:
        owner = self.server.archive
        owner.requests.append(dict(self.headers.items()))
        fault = owner.faults.popleft() if owner.faults else Fault()
        asked = {} if fault.whole else dict(self.headers.items())
        status, headers, body = owner.good_answer(asked)
        body = body if fault.body is None else fault.body
        self.send_response(fault.status or status)
        fields = headers | {"Content-Length": str(len(body))} | dict(fault.headers)
        for name, value in fields.items():
            if value is not None:
                self.send_header(name, value)
        self.end_headers()
        self._send_body(body, fault)
        if fields["Content-Length"] is None:
            self.close_connection = True

    def _send_body(self, body: bytes, fault: Fault) -> None:
        if fault.stall_after is not None:
            self.wfile.write(body[: fault.stall_after])
            self.server.archive.released.wait(30)
            self.close_connection = True
        elif fault.cut_after is not None:
            self.wfile.write(body[: fault.cut_after])
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output clean."""
