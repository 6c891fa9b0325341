"""Slow, vanishing and garbled clients at the real servers, over raw sockets."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.end_to_end.real_server import (
    GUNICORN,
    LOCAL,
    TIMEOUT_S,
    RealServer,
    running,
    stand_in_settings,
)

pytestmark = pytest.mark.slow

PREDICT = "api/v1/predict"
ONE_PLACE = {
    "DEEPFAKE_WORKERS": "1",
    "DEEPFAKE_JUDGING_AT_ONCE": "1",
    "DEEPFAKE_WAITING_AT_MOST": "0",
    "DEEPFAKE_REQUEST_SECONDS": "1",
    "DEEPFAKE_RATE_LIMIT": "",
}
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n'
BOTH = pytest.mark.parametrize("command", [GUNICORN, LOCAL], ids=["gunicorn", "local"])

Start = Callable[..., RealServer]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a server that has one place, unless the test says otherwise."""
    settings = stand_in_settings(tmp_path) | ONE_PLACE
    with ExitStack() as stack:

        def make(command: tuple[str, ...] = GUNICORN, **more: str) -> RealServer:
            started = running(command, settings | more, tmp_path / "log")
            return stack.enter_context(started)

        yield make
    assert list((tmp_path / "uploads").iterdir()) == []


@contextmanager
def begun(server: RealServer, *headers: str) -> Iterator[socket.socket]:
    """A connection on which a request's headers were sent, and nothing else."""
    address = urlsplit(server.url)
    assert address.hostname and address.port
    lines = [
        f"POST /{PREDICT} HTTP/1.1",
        "Host: test",
        "Content-Type: multipart/form-data; boundary=x",
        *headers,
    ]
    with closing(socket.create_connection((address.hostname, address.port))) as client:
        client.settimeout(TIMEOUT_S)
        client.sendall("\r\n".join([*lines, "", ""]).encode())
        yield client


def trickle(client: socket.socket, pieces: Iterator[bytes]) -> bytes:
    """Send piece after piece until the server answers; return all it says."""
    client.settimeout(0.1)
    answer = b""
    while not answer:
        try:
            client.sendall(next(pieces))
            answer = client.recv(65536)
        except TimeoutError:
            continue
    return answer + heard(client)


def heard(client: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    client.settimeout(TIMEOUT_S)
    answer = b""
    # A connection that is closed with bytes of ours unread is reset.
    with suppress(ConnectionResetError):
        while piece := client.recv(65536):
            answer += piece
    return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def pieces_of(first: bytes, rest: bytes) -> Iterator[bytes]:
    yield first
    while True:
        yield rest


def wait_until_free(server: RealServer, picture: bytes) -> None:
    """Judge a picture, as soon as the only place is free."""
    give_up = time.monotonic() + TIMEOUT_S
    while True:
        files = {"file": picture}
        answer = requests.post(server.url + PREDICT, files=files, timeout=TIMEOUT_S)
        if answer.status_code == 200 or time.monotonic() > give_up:
            break
        assert answer.status_code == 503
        time.sleep(0.05)
    assert answer.status_code == 200


@BOTH
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_client_that_trickles_is_cut_off(
    start: Start, command: tuple[str, ...], chunked: bool, portrait_jpeg: bytes
) -> None:
    server = start(command)
    header = "Transfer-Encoding: chunked" if chunked else "Content-Length: 1000000"
    first = b"%x\r\n%b\r\n" % (len(PART), PART) if chunked else PART
    rest = b"1\r\na\r\n" if chunked else b"a"
    with begun(server, header) as client:
        answer = trickle(client, pieces_of(first, rest))
    assert status_of(answer) == 408
    assert b"did not arrive within 1 seconds" in answer
    wait_until_free(server, portrait_jpeg)
    assert "Traceback" not in server.log.read_text()


@BOTH
def test_client_that_sends_nothing_more_is_cut_off(
    start: Start, command: tuple[str, ...], portrait_jpeg: bytes
) -> None:
    server = start(command)
    with begun(server, "Content-Length: 1000000") as client:
        client.sendall(PART)
        assert status_of(heard(client)) == 408
    wait_until_free(server, portrait_jpeg)


@BOTH
def test_client_that_hangs_up_leaves_its_place(
    start: Start, command: tuple[str, ...], portrait_jpeg: bytes
) -> None:
    # Long enough that the place is free by the end of the connection, not of the time.
    server = start(command, DEEPFAKE_REQUEST_SECONDS="600")
    for _ in range(3):
        with begun(server, "Content-Length: 1000000") as client:
            client.sendall(PART + portrait_jpeg[:1000])
        wait_until_free(server, portrait_jpeg)
    log = server.log.read_text()
    assert "Traceback" not in log
    assert "answered 500" not in log


GARBLED = {
    "no size": b"\r\n\r\n",
    "bad size": b"zz\r\nabc\r\n0\r\n\r\n",
    "negative size": b"-5\r\nabc\r\n0\r\n\r\n",
    "huge size": b"f" * 40 + b"\r\nabc",
    "wrong size": b"2\r\nabcdef\r\n0\r\n\r\n",
    "bad trailer": b"3\r\nabc\r\n0\r\nno colon here\r\n\r\n",
    "bad extension": b"3;\x01=\x02\r\nabc\r\n0\r\n\r\n",
}


def test_garbled_chunks_are_a_bad_request(start: Start, portrait_jpeg: bytes) -> None:
    server = start()
    statuses = {}
    for name, garbled in GARBLED.items():
        with begun(server, "Transfer-Encoding: chunked") as client:
            client.sendall(garbled)
            statuses[name] = status_of(heard(client))
        wait_until_free(server, portrait_jpeg)
    # Of the one that announces more than any memory holds, the rest is waited for.
    assert statuses == {**dict.fromkeys(GARBLED, 400), "huge size": 408}
    assert "Traceback" not in server.log.read_text()


def test_refused_client_that_trickles_is_not_listened_to_for_ever(
    start: Start,
) -> None:
    server = start(DEEPFAKE_RATE_LIMIT="1 per hour")
    requests.post(server.url + PREDICT, timeout=TIMEOUT_S)
    with begun(server, "Content-Length: 1000000") as client:
        answer = trickle(client, pieces_of(b"", b"a"))
    assert status_of(answer) == 429
    assert b"Retry-After: " in answer


def test_pages_and_health_do_not_wait_behind_uploads(
    start: Start, portrait_jpeg: bytes
) -> None:
    server = start(
        DEEPFAKE_JUDGING_AT_ONCE="2",
        DEEPFAKE_WAITING_AT_MOST="8",
        DEEPFAKE_REQUEST_SECONDS="600",
    )
    with ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(begun(server, "Content-Length: 100000"))
            client.sendall(PART)
        in_hand = "deepfake_in_hand 10.0"
        give_up = time.monotonic() + TIMEOUT_S
        while in_hand not in requests.get(f"{server.url}metrics", timeout=5).text:
            assert time.monotonic() < give_up
        refused = requests.post(
            server.url + PREDICT, files={"file": portrait_jpeg}, timeout=5
        )
        pages = [
            requests.get(server.url + path, timeout=5).status_code
            for path in ("", "livez", "readyz", "openapi.json")
        ]
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert pages == [200, 200, 200, 200]
    wait_until_free(server, portrait_jpeg)


def test_pages_do_not_wait_behind_many_refused_clients(start: Start) -> None:
    server = start(
        DEEPFAKE_THREADS="5",
        DEEPFAKE_RATE_LIMIT="1 per hour",
        DEEPFAKE_REQUEST_SECONDS="600",
    )
    requests.post(server.url + PREDICT, timeout=TIMEOUT_S)
    with ExitStack() as stack:
        for _ in range(12):
            stack.enter_context(begun(server, "Content-Length: 100000"))
        # Twelve that are each listened to for ten seconds would hold five threads for
        # longer than this.
        page = requests.get(server.url, timeout=9)
    assert page.status_code == 200


def test_headers_of_a_proxy_that_is_not_ours_are_not_believed(start: Start) -> None:
    server = start()
    headers = {
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Ssl": "on",
        "X-Forwarded-Protocol": "ssl",
        "X-Forwarded-Prefix": "/evil",
        "SCRIPT_NAME": "/evil",
        "SCRIPT-NAME": "/evil",
    }
    answer = requests.get(server.url, headers=headers, timeout=TIMEOUT_S)
    assert answer.status_code == 200
    assert "evil" not in answer.text
    assert "Strict-Transport-Security" not in answer.headers
