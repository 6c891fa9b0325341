"""Small locks, and a web server on this machine that answers as a test says."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from supply_chain.licences import pip_licenses
from supply_chain.locked_package import LOCKS, LockedPackage, read_lock


@dataclass(frozen=True)
class Answer:
    """What the server says."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Asked:
    """What it was asked."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answering = Callable[[Asked], Answer]


@dataclass
class LocalServer:
    """A server on this machine."""

    url: str
    answering: Answering = lambda asked: Answer(404)
    asked: list[Asked] = field(default_factory=list)


@pytest.fixture(scope="session")
def listed() -> str:
    """What pip-licenses says of this environment; it takes seconds."""
    return pip_licenses()


@pytest.fixture
def server() -> Iterator[LocalServer]:
    local = LocalServer("")

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            asked = Asked(
                self.command, self.path, dict(self.headers), self.rfile.read(length)
            )
            local.asked.append(asked)
            said = local.answering(asked)
            self.send_response(said.status)
            for name, value in said.headers.items():
                self.send_header(name, value)
            if "Content-Length" not in said.headers:
                self.send_header("Content-Length", str(len(said.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said.body)

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        local.url = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield local
        http.shutdown()
        thread.join()


def lock_line(name: str, version: str, marker: str = "", digit: str = "a") -> str:
    return (
        f"{name}=={version}{f' ; {marker}' if marker else ''} \\\n"
        f"    --hash=sha256:{digit * 64}\n    # via something\n"
    )


def locked(tmp_path: Path, *lines: str) -> list[LockedPackage]:
    """Packages of a lock with these lines."""
    lock = tmp_path / "lock.txt"
    lock.write_text("".join(lines))
    return read_lock(lock)


def write_locks(folder: Path, lines: str, more: str = "") -> None:
    """Three locks alike, the last one with more."""
    for name in LOCKS.values():
        (folder / name).write_text(lines)
    (folder / LOCKS["development"]).write_text(lines + more)
