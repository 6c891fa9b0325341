"""Gunicorn's workers watched from outside: their sum, their ends, and their log."""

import json
import os
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.parser import text_string_to_metric_families

from tests.end_to_end.real_server import (
    GUNICORN,
    LOCAL,
    TIMEOUT_S,
    RealServer,
    running,
    stand_in_settings,
)

pytestmark = pytest.mark.slow

ACCESS = "deepfake_detector.web.request_log"
BOOTING = re.compile(r"Booting worker with pid: (\d+)")
SECRET = "Sneaky"


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Two workers, and as many requests as the test likes."""
    return stand_in_settings(tmp_path) | {"DEEPFAKE_RATE_LIMIT": ""}


@pytest.fixture
def server(environ: dict[str, str], tmp_path: Path) -> Iterator[RealServer]:
    with running(GUNICORN, environ, tmp_path / "log") as started:
        yield started


def numbers(server: RealServer) -> dict[str, float]:
    """The numbers by name, each summed over its labels."""
    answer = requests.get(f"{server.url}metrics", timeout=TIMEOUT_S)
    return summed(text_string_to_metric_families(answer.text))


def summed(families: Any) -> dict[str, float]:
    sums: dict[str, float] = {}
    for family in families:
        for sample in family.samples:
            sums[sample.name] = sums.get(sample.name, 0) + sample.value
    return sums


def lines(server: RealServer) -> list[dict[str, Any]]:
    """The log, in which every line must be an object."""
    return [json.loads(line) for line in server.log.read_text().splitlines()]


def workers(server: RealServer) -> list[int]:
    """Process ids of the workers that were started, the oldest first."""
    messages = [line["message"] for line in lines(server)]
    return [int(found[1]) for text in messages if (found := BOOTING.match(text))]


def judge(server: RealServer, times: int, picture: bytes) -> list[requests.Response]:
    """Send pictures, eight at a time, each over a connection of its own."""

    def send(_: int) -> requests.Response:
        answer = requests.post(
            f"{server.url}api/v1/predict",
            files={"file": ("Sneaky.jpg", picture)},
            timeout=TIMEOUT_S,
        )
        assert answer.status_code == 200
        return answer

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(send, range(times)))


def counting_places(server: RealServer) -> list[float]:
    """How many pictures each place has counted, from the files themselves."""
    (folder,) = Path("/dev/shm").glob(f"deepfake-metrics-{server.pid}-*")
    files = sorted(folder.glob("counter_[0-9]*.db"))
    sums = [summed(MultiProcessCollector.merge([str(file)])) for file in files]
    return [one.get("deepfake_verdicts_total", 0.0) for one in sums]


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="needs /dev/shm")
def test_numbers_are_those_of_all_workers_and_outlive_them(
    server: RealServer, portrait_jpeg: bytes
) -> None:
    until(lambda: len(workers(server)) == 2)
    sent = 0
    while sent == 0 or 0 in counting_places(server):
        sent += len(judge(server, 40, portrait_jpeg))
        assert sent < 1000
    assert len(counting_places(server)) == 2
    before = numbers(server)
    assert before["deepfake_verdicts_total"] == sent
    assert before["deepfake_stage_seconds_count"] == 3 * sent
    assert before["deepfake_in_hand"] == 0

    # One ends as asked to, the other is killed with a request in hand.
    first, second = workers(server)
    os.kill(first, signal.SIGTERM)
    until(lambda: len(workers(server)) == 3)
    with unfinished_upload(server) as held:
        until(lambda: numbers(server)["deepfake_in_hand"] == 1)
        for pid in (second, workers(server)[2]):
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(workers(server)) == 5)
        assert held.fileno() > 0
    after = numbers(server)
    assert after["deepfake_verdicts_total"] == sent
    assert after["deepfake_in_hand"] == 0
    judge(server, 10, portrait_jpeg)
    assert numbers(server)["deepfake_verdicts_total"] == sent + 10
    assert len(counting_places(server)) == 2

    # Both replaced at once, the new ones before the old ones end.
    os.kill(server.pid, signal.SIGHUP)
    until(lambda: len(workers(server)) == 7)
    until(lambda: ended(server) == 3)
    judge(server, 10, portrait_jpeg)
    assert numbers(server)["deepfake_verdicts_total"] == sent + 20
    assert len(counting_places(server)) <= 4


def ended(server: RealServer) -> int:
    """How many workers have ended by themselves, or as they were asked to."""
    return sum(x["message"].startswith("Worker exiting") for x in lines(server))


def unfinished_upload(server: RealServer) -> socket.socket:
    """A connection whose request has begun, and does not go on."""
    place = urlsplit(server.url)
    connection = socket.create_connection((place.hostname, place.port))
    connection.sendall(
        b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    return connection


@pytest.mark.parametrize("command", [GUNICORN, LOCAL], ids=["gunicorn", "local"])
def test_every_request_is_one_line_under_the_id_of_its_answer(
    command: tuple[str, ...],
    environ: dict[str, str],
    portrait_jpeg: bytes,
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with running(command, environ, log) as server:
        answers = judge(server, 10, portrait_jpeg)
        for path in ("", "Sneaky?Sneaky", "static/Sneaky", "api/Sneaky", "livez"):
            headers = {"User-Agent": SECRET, "Referer": SECRET}
            answers.append(
                requests.get(server.url + path, headers=headers, timeout=TIMEOUT_S)
            )
        send_nonsense(server)
        ready = requests.get(f"{server.url}readyz", timeout=TIMEOUT_S)
    assert ready.status_code == 200
    written = lines(server)
    access = [line for line in written if line["logger"] == ACCESS]
    ids = [line["request_id"] for line in access]
    assert len(set(ids)) == len(ids)
    # The last is /livez, a line for debugging; nonsense may have lines of its own.
    assert {answer.headers["X-Request-ID"] for answer in answers[:-1]} <= set(ids)
    assert answers[-1].headers["X-Request-ID"] not in ids
    assert {line["logger"] for line in written} > {ACCESS}
    assert SECRET.lower() not in log.read_text().lower()
    assert "127.0.0.1 " not in log.read_text()
    assert not any("address" in line for line in written)


def send_nonsense(server: RealServer) -> None:
    """What no HTTP library would send, each on a connection of its own."""
    place = urlsplit(server.url)
    for nonsense in (
        b"Sneaky\r\n\r\n",
        b"GET /Sneaky HTTP/9.9\r\n\r\n",
        b'Sn\x00aky\n{"level":"Sneaky"}\r\n\r\n',
        b"GET / HTTP/1.1\r\nSneaky Sneaky: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nSneaky\r\n\r\n",
        b"GET /" + 10_000 * b"Sneaky" + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Sneaky\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: Sneaky\r\n\r\n",
        b"\x16\x03\x01\x02\x00Sneaky\r\n\r\n",
    ):
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.settimeout(TIMEOUT_S)
            connection.sendall(nonsense)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(65_536):
                    pass
            except ConnectionResetError:
                pass


def test_gunicorn_refuses_nonsense_in_words_of_ours(server: RealServer) -> None:
    send_nonsense(server)
    refused = [x for x in lines(server) if "not HTTP was refused" in x["message"]]
    assert len(refused) >= 5
    assert all(line["logger"] == "gunicorn.error" for line in refused)


def test_probes_are_lines_where_debugging_is_asked_for(
    environ: dict[str, str], tmp_path: Path, portrait_jpeg: bytes
) -> None:
    settings = environ | {"GUNICORN_CMD_ARGS": "--log-level debug"}
    with running(GUNICORN, settings, tmp_path / "log") as server:
        answer = requests.get(f"{server.url}livez", timeout=TIMEOUT_S)
        judge(server, 1, portrait_jpeg)
    access = [line for line in lines(server) if line["logger"] == ACCESS]
    assert [line["level"] for line in access] == ["DEBUG", "INFO"]
    assert access[0]["request_id"] == answer.headers["X-Request-ID"]
    assert not any(line["logger"].startswith("PIL") for line in lines(server))
