"""The real servers over real sockets, with a stand-in network."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from deepfake_detector.config import REPOSITORY
from tests.end_to_end.real_server import (
    GUNICORN,
    LOCAL,
    TIMEOUT_S,
    running,
    stand_in_settings,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a server with a stand-in network and folders of its own."""
    return stand_in_settings(tmp_path)


@pytest.mark.parametrize("command", [GUNICORN, LOCAL], ids=["gunicorn", "local"])
def test_server_judges_refuses_and_goes_on(
    command: tuple[str, ...],
    environ: dict[str, str],
    portrait_jpeg: bytes,
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with running(command, environ, log) as server:
        url = server.url
        good = requests.post(url, files={"file": portrait_jpeg}, timeout=TIMEOUT_S)
        status, page = _send_all_then_read(url, bytes(25_000_000))
        again = requests.post(
            f"{url}api/v1/predict", files={"file": portrait_jpeg}, timeout=TIMEOUT_S
        )
        ready = requests.get(f"{url}readyz", timeout=TIMEOUT_S)
    assert (good.status_code, status) == (200, 413)
    assert "Chance of being fake" in good.text
    assert "50.0 %" in good.text
    assert "The largest accepted file has 10 MB" in page
    assert (again.json()["p_fake"], ready.json()["model"]) == (0.5, "stand-in")
    assert list((tmp_path / "uploads").iterdir()) == []
    assert log.read_text().count("answered 413: ") == 1
    assert "secret" not in log.read_text()


def _send_all_then_read(url: str, content: bytes) -> tuple[int, str]:
    """POST as a browser does: a connection reset while sending is an error."""
    head = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="secret.jpg"'
        b"\r\n\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_S)
    with closing(connection):
        connection.request("POST", "/", head + content + b"\r\n--x--\r\n", headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_kept_connections_come_anew_now_and_then(
    environ: dict[str, str], tmp_path: Path
) -> None:
    # Else all of them would stay with one worker of two (docs/reliability.md, "Soak").
    ended = []
    with running(GUNICORN, environ, tmp_path / "log") as server:
        place = urlsplit(server.url).netloc
        with closing(http.client.HTTPConnection(place, timeout=TIMEOUT_S)) as client:
            for _ in range(50):
                client.request("GET", "/livez")
                answer = client.getresponse()
                assert answer.read()
                assert answer.status == 200
                ended.append(answer.getheader("Connection") == "close")
    assert [number for number, end in enumerate(ended, 1) if end] == [20, 40]


def test_leftovers_are_swept_before_workers_start(
    environ: dict[str, str], tmp_path: Path
) -> None:
    old, fresh = (tmp_path / "uploads" / f"upload-1-{c * 32}" for c in "ab")
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 700,) * 2)
    with running(GUNICORN, environ, tmp_path / "log"):
        assert not old.exists()
        assert fresh.exists()


def test_uploads_of_a_killed_worker_are_deleted(
    environ: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(GUNICORN, environ | {"DEEPFAKE_WORKERS": "1"}, log) as server:
        worker = wait_for_worker(log)
        left, other = (
            tmp_path / "uploads" / f"upload-{pid}-{'a' * 32}"
            for pid in (worker, server.pid)
        )
        left.touch()
        other.touch()
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + TIMEOUT_S
        while left.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert requests.get(f"{server.url}livez", timeout=TIMEOUT_S).ok
    assert not left.exists()
    assert other.exists()


def wait_for_worker(log: Path) -> int:
    """Process id of the first worker, once it has begun."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if found := re.search(r"Booting worker with pid: (\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise AssertionError(f"no worker after {TIMEOUT_S} s: {log.read_text()}")


def test_local_server_stops_on_sigterm_as_on_ctrl_c(
    environ: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with running(LOCAL, environ, log) as server:
        os.kill(server.pid, signal.SIGTERM)
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
    assert "stopped" in log.read_text()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEEPFAKE_HOST", "no-such-host.invalid"),
        ("DEEPFAKE_KERAS_FILE", "/nowhere/model.keras"),
        ("DEEPFAKE_UPLOAD_DIR", "/dev/null"),
        ("DEEPFAKE_THREADS", "1"),
    ],
)
def test_bad_setting_is_one_error_before_anything_listens(
    environ: dict[str, str], name: str, value: str
) -> None:
    ended = subprocess.run(
        [sys.executable, *GUNICORN],
        cwd=REPOSITORY,
        env=environ | {name: value},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = [x for x in ended.stderr.splitlines() if "Starting gunicorn" not in x]
    assert line.startswith("Error: ")
