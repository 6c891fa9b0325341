"""Clients that are idle, slow or gone, many at once, at the real server."""

import resource
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.end_to_end.real_server import RealServer
from tests.faults.crowded import (
    API,
    HEAD,
    connected,
    ended_by_server,
    in_hand,
    log_is_calm,
    post,
    status_of,
    until,
    workers,
)
from tests.faults.fault_table import fault

pytestmark = pytest.mark.slow

Start = Callable[..., RealServer]
Observed = Callable[[str], None]

#: Longest that an answer may take while the crowd is there, seconds.
PROMPT_S = 5.0
POST = b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
TYPE = b"Content-Type: multipart/form-data; boundary=x\r\n"


@pytest.fixture
def many_files() -> None:
    """Let this process hold a thousand connections."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))


def crowd(server: RealServer, number: int, *sent: bytes) -> list[socket.socket]:
    """So many connections, on each of which the same was sent."""
    clients = [connected(server) for _ in range(number)]
    for client in clients:
        client.sendall(b"".join(sent))
    return clients


def is_prompt(server: RealServer, picture: bytes) -> bool:
    """Whether a page and a picture are answered at once."""
    page = requests.get(server.url, timeout=PROMPT_S)
    files = {"file": picture}
    answer = requests.post(server.url + API, files=files, timeout=PROMPT_S)
    return (page.status_code, answer.status_code) == (200, 200)


@fault(
    "1000 connections on which nothing is ever sent",
    "others are answered at once; the idle ones are cut off",
)
@pytest.mark.usefixtures("many_files")
def test_idle_connections(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start()
    idle = crowd(server, 1000)
    assert is_prompt(server, portrait_jpeg)
    assert all([ended_by_server(client) for client in idle])
    assert log_is_calm(server)
    observed("page and picture answered 200; all 1000 closed by the server")


@fault(
    "400 clients that announce a body to a page, and send none of it",
    "others are answered at once",
)
def test_bodies_that_nobody_reads(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start()
    head = b"GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"
    silent = crowd(server, 400, head)
    assert is_prompt(server, portrait_jpeg)
    for client in silent:
        client.close()
    assert log_is_calm(server)
    observed("page and picture answered 200")


@fault(
    "300 clients that send a request's headers without end (slow loris), half of them "
    "after a good request",
    "others are answered at once; the slow ones are cut off",
)
def test_slow_headers(start: Start, observed: Observed, portrait_jpeg: bytes) -> None:
    server = start()
    good = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    slow = crowd(server, 150, POST) + crowd(server, 150, good, POST)
    for _ in range(3):
        for client in slow:
            client.sendall(b"X-A: b\r\n")
        assert is_prompt(server, portrait_jpeg)
    assert all([ended_by_server(client) for client in slow])
    assert log_is_calm(server)
    observed("page and picture answered 200; all 300 closed by the server")


@fault(
    "100 clients that stop in the middle of an upload",
    "others are answered at once; the halves are answered 408 at their deadline",
)
def test_half_sent_bodies(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    # Room for all of them in either worker: which takes whom is chance.
    server = start(
        DEEPFAKE_REQUEST_SECONDS="8",
        DEEPFAKE_WAITING_AT_MOST="128",
        DEEPFAKE_THREADS="136",
    )
    half = crowd(server, 100, POST, TYPE, b"\r\n", HEAD)
    until(lambda: in_hand(server) == 100)
    assert is_prompt(server, portrait_jpeg)
    assert {client.recv(12) for client in half} == {b"HTTP/1.1 408"}
    for client in half:
        client.close()
    until(lambda: in_hand(server) == 0)
    assert log_is_calm(server)
    observed("page and picture answered 200; all 100 answered 408")


@fault(
    "50 clients that never close a connection on which they were answered",
    "others are answered at once",
)
def test_clients_that_stay(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start(DEEPFAKE_WORKERS="1")
    with ExitStack() as stack:
        for client in crowd(server, 50, b"GET /livez HTTP/1.0\r\n\r\n"):
            stack.callback(client.close)
            assert client.recv(12) == b"HTTP/1.0 200"
        assert is_prompt(server, portrait_jpeg)
    observed("page and picture answered 200")


@fault(
    "more connections than the worker may have files open",
    "it goes on, and answers others once the crowd is gone",
)
def test_no_file_descriptors(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start(DEEPFAKE_WORKERS="1")
    assert post(server, portrait_jpeg).status_code == 200
    (worker,) = workers(server)
    open_files = len(list((Path("/proc") / str(worker) / "fd").iterdir()))
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (open_files + 20,) * 2)
    many = crowd(server, 200, POST)
    statuses = {status_of(server, "livez") for _ in range(20)}
    for client in many:
        client.close()
    assert statuses == {200}
    assert post(server, portrait_jpeg).status_code == 200
    assert workers(server) == [worker]
    assert log_is_calm(server)
    observed("answered 200 during and after; the worker is the same")
