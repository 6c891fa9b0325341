"""The wall clock set to another time under the real server."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.end_to_end.real_server import RealServer
from tests.faults.crowded import (
    HEAD,
    connected,
    in_hand,
    log_is_calm,
    post,
    status_of,
    until,
    workers,
)
from tests.faults.fault_table import fault
from tests.faults.wall_clock import WallClock

pytestmark = pytest.mark.slow

Start = Callable[..., RealServer]
Observed = Callable[[str], None]

HOUR_S = 3600.0
JUMPS = pytest.mark.parametrize("jump_s", [-HOUR_S, HOUR_S], ids=["back", "forward"])
POST = (
    b"POST /api/v1/predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
    b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
)


@pytest.fixture
def clock(tmp_path: Path) -> WallClock:
    return WallClock(tmp_path / "clock")


def test_clock_is_what_processes_see(clock: WallClock) -> None:
    clock.jump(HOUR_S)
    code = "import time; print(time.time())"
    ours, theirs = (
        float(
            subprocess.run(
                [sys.executable, "-c", code],
                env=environ,
                capture_output=True,
                check=True,
            ).stdout
        )
        for environ in (os.environ, os.environ | clock.settings)
    )
    assert theirs - ours == pytest.approx(HOUR_S, abs=60)


@fault(
    "the wall clock jumps an hour back, or forward, while uploads are coming in",
    "deadlines hold as they were; no worker is taken for dead; all is answered",
)
@JUMPS
def test_deadlines(
    start: Start,
    observed: Observed,
    clock: WallClock,
    portrait_jpeg: bytes,
    jump_s: float,
) -> None:
    server = start(DEEPFAKE_REQUEST_SECONDS="3", **clock.settings)
    until(lambda: len(workers(server)) == 2)
    before = workers(server)
    with ExitStack() as stack:
        half = [stack.enter_context(connected(server)) for _ in range(4)]
        for client in half:
            client.sendall(POST + HEAD)
        until(lambda: in_hand(server) == 4)
        clock.jump(jump_s)
        assert post(server, portrait_jpeg).status_code == 200
        assert in_hand(server) == 4
        assert {client.recv(12) for client in half} == {b"HTTP/1.1 408"}
    assert status_of(server, "readyz") == 200
    assert workers(server) == before
    assert log_is_calm(server)
    observed("uploads cut at their time; the others 200; the workers are the same")


@fault(
    "the wall clock jumps an hour back after an address has used up its limit",
    "it may send again when its time is over, not an hour later",
)
def test_limits(
    start: Start, observed: Observed, clock: WallClock, portrait_jpeg: bytes
) -> None:
    server = start(
        DEEPFAKE_RATE_LIMIT="3 per 2 seconds", DEEPFAKE_WORKERS="1", **clock.settings
    )
    statuses = [post(server, portrait_jpeg).status_code for _ in range(4)]
    assert statuses[-1] == 429
    clock.jump(-HOUR_S)
    until(lambda: post(server, portrait_jpeg).status_code == 200, within_s=10)
    observed("429, and 200 within seconds")
