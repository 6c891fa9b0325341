"""Processes of the real server killed or told to end while they have work in hand."""

import io
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_detector.config import REPOSITORY
from deepfake_detector.datasets.face_drawing import draw_face
from tests.end_to_end.real_server import RealServer
from tests.faults.crowded import (
    API,
    FORM,
    answer_on,
    connected,
    files_in,
    form_of,
    in_hand,
    log_is_calm,
    post,
    until,
    workers,
)
from tests.faults.fault_table import fault

pytestmark = pytest.mark.slow

Start = Callable[..., RealServer]
Observed = Callable[[str], None]


def stripes_png(side: int) -> bytes:
    """A small file that takes its time to be decoded."""
    stripes = np.arange(side * side * 3, dtype=np.uint8).reshape(side, side, 3)
    file = io.BytesIO()
    Image.fromarray(stripes).save(file, "PNG")
    return file.getvalue()


def request_of(picture: bytes) -> bytes:
    body = form_of(picture)
    lines = [
        f"POST /{API} HTTP/1.1",
        "Host: x",
        f"Content-Type: {FORM['Content-Type']}",
        f"Content-Length: {len(body)}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode() + body


def stop_while_it_keeps_an_upload(uploads: Path, worker: int) -> None:
    """Stop a worker at a moment when its upload lies in the folder."""
    until(lambda: files_in(uploads))
    os.kill(worker, signal.SIGSTOP)
    assert files_in(uploads), "stopped too late"


@fault(
    "a worker killed (SIGKILL) while it judges a picture",
    "that request alone is lost; the upload is deleted; the server goes on",
)
def test_worker_killed(
    start: Start,
    observed: Observed,
    tmp_path: Path,
    portrait_jpeg: bytes,
) -> None:
    server = start(DEEPFAKE_WORKERS="1")
    (worker,) = workers(server)
    client = connected(server)
    client.sendall(request_of(stripes_png(7000)))
    stop_while_it_keeps_an_upload(tmp_path / "uploads", worker)
    os.kill(worker, signal.SIGKILL)
    assert answer_on(client) == 0
    until(lambda: not files_in(tmp_path / "uploads"))
    assert post(server, portrait_jpeg).status_code == 200
    assert in_hand(server) == 0
    assert workers(server) != [worker]
    observed("its client saw a closed connection; nothing left; the next got 200")


@fault(
    "SIGTERM with 8 requests taken in, and some more half sent",
    "every request that was taken in is answered; those half sent within their time",
)
def test_sigterm_with_requests_in_hand(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start()
    large = request_of(stripes_png(2500))
    whole = [connected(server) for _ in range(8)]
    half = [connected(server) for _ in range(4)]
    rest = request_of(portrait_jpeg)
    for client in half:
        client.sendall(rest[:5000])
    for client in whole:
        client.sendall(large)
    until(lambda: in_hand(server) == 12)
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.5)
    for client in half:
        client.sendall(rest[5000:])
    with ThreadPoolExecutor(12) as pool:
        answers = Counter(pool.map(answer_on, [*whole, *half]))
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    assert answers == {200: 12}
    assert log_is_calm(server)
    observed("all 12 answered 200; the server ended with status 0")


@fault(
    "SIGTERM while 16 clients send as fast as they are answered",
    "whoever is connected is answered; later connections are refused",
)
def test_sigterm_under_load(
    start: Start, observed: Observed, portrait_jpeg: bytes
) -> None:
    server = start()
    request = request_of(portrait_jpeg)

    def send_until_refused(_: int) -> list[int]:
        statuses = []
        while True:
            try:
                client = connected(server)
                client.sendall(request)
            except OSError:
                return statuses
            statuses.append(answer_on(client))

    with ThreadPoolExecutor(16) as pool:
        jobs = pool.map(send_until_refused, range(16))
        time.sleep(2)
        os.kill(server.pid, signal.SIGTERM)
        statuses = Counter(status for job in jobs for status in job)
    os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    assert set(statuses) == {200}
    assert statuses[200] > 16
    assert log_is_calm(server)
    observed("nothing but 200 until connections were refused")


@fault(
    "SIGTERM after the model that ships has judged pictures in every worker",
    "it ends at once: nothing of the runtime is waited for",
)
def test_sigterm_after_judging(
    start: Start, observed: Observed, portrait_jpeg: bytes, large_jpeg: bytes
) -> None:
    shipped = {
        "DEEPFAKE_BACKEND": "openvino",
        "DEEPFAKE_MODEL_DIR": str(REPOSITORY / "models" / "default"),
    }
    for _ in range(3):
        server = start(**shipped)
        with ThreadPoolExecutor(4) as pool:
            pictures = [portrait_jpeg, large_jpeg] * 4
            answers = pool.map(partial(post, server), pictures)
            assert {answer.status_code for answer in answers} == {200}
        os.kill(server.pid, signal.SIGTERM)
        # The server would give requests in hand a minute; there are none.
        until(partial(has_ended, server.pid))
        assert log_is_calm(server)
    observed("three servers ended within seconds, with status 0")


@pytest.fixture
def large_jpeg() -> bytes:
    """A picture so large that the network which proposes faces is asked."""
    file = io.BytesIO()
    Image.fromarray(draw_face(1, 900)).save(file, "JPEG")
    return file.getvalue()


def has_ended(process: int) -> bool:
    """Whether a child is dead; who waits for it later still learns its status."""
    how = os.WEXITED | os.WNOWAIT | os.WNOHANG
    return os.waitid(os.P_PID, process, how) is not None
