"""The real servers over real sockets, with a stand-in network."""

import http.client
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest
import requests

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES

pytestmark = pytest.mark.slow

GUNICORN = ("-m", "gunicorn", "inference:app")
LOCAL = ("inference.py",)
READY = re.compile(r"deepfake-detector is ready at (http://\S+/)\n")
TIMEOUT_S = 30


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Settings of a server with a stand-in network and folders of its own."""
    card = ModelCard("stand-in", "none", (16, 16, 3), CROP_RULES["whole"])
    write_artifact(tmp_path / "model", card, lambda folder: None)
    (tmp_path / "uploads").mkdir()
    return os.environ | {
        "DEEPFAKE_BACKEND": "constant",
        "DEEPFAKE_MODEL_DIR": str(tmp_path / "model"),
        "DEEPFAKE_UPLOAD_DIR": str(tmp_path / "uploads"),
        "DEEPFAKE_PORT": "0",
    }


@pytest.fixture(autouse=True)
def ctrl_c_reaches_servers() -> Iterator[None]:
    """A shell that starts tests in the background lets them be deaf to Ctrl-C."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@contextmanager
def running(
    command: tuple[str, ...], environ: dict[str, str], log: Path
) -> Iterator[str]:
    """Start a server, yield its address, and stop it as Ctrl-C in a terminal does."""
    with (
        log.open("w") as err,
        subprocess.Popen(
            [sys.executable, *command],
            cwd=REPOSITORY,
            env=environ,
            stdout=subprocess.PIPE if command is GUNICORN else None,
            stderr=err,
            text=True,
            start_new_session=True,
        ) as server,
    ):
        try:
            yield _address(server.stdout, log)
        finally:
            os.killpg(server.pid, signal.SIGINT)
            try:
                assert server.wait(timeout=TIMEOUT_S) == 0
            finally:
                server.kill()


def _address(stdout: IO[str] | None, log: Path) -> str:
    """Wait for the line with the address: on stdout by gunicorn, else in the log."""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        text = stdout.readline() if stdout else log.read_text()
        if match := READY.search(text):
            return match[1]
        time.sleep(0.05)
    raise AssertionError(f"not ready after {TIMEOUT_S} s: {log.read_text()}")


@pytest.mark.parametrize("command", [GUNICORN, LOCAL], ids=["gunicorn", "local"])
def test_server_judges_refuses_and_goes_on(
    command: tuple[str, ...],
    environ: dict[str, str],
    portrait_jpeg: bytes,
    tmp_path: Path,
) -> None:
    log = tmp_path / "log"
    with running(command, environ, log) as url:
        good = requests.post(url, files={"file": portrait_jpeg}, timeout=TIMEOUT_S)
        status, page = _send_all_then_read(url, bytes(25_000_000))
        again = requests.post(
            f"{url}api/v1/predict", files={"file": portrait_jpeg}, timeout=TIMEOUT_S
        )
        ready = requests.get(f"{url}readyz", timeout=TIMEOUT_S)
    assert (good.status_code, status) == (200, 413)
    assert "Fake 50.0 %" in good.text
    assert "The largest accepted file has 10 MB" in page
    assert (again.json()["p_fake"], ready.json()["model"]) == (0.5, "stand-in")
    assert list((tmp_path / "uploads").iterdir()) == []
    assert log.read_text().count("answered 413") == 1
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


def test_leftovers_are_swept_before_workers_start(
    environ: dict[str, str], tmp_path: Path
) -> None:
    old, fresh = (tmp_path / "uploads" / f"upload-{c * 32}" for c in "ab")
    old.touch()
    fresh.touch()
    os.utime(old, (time.time() - 700,) * 2)
    with running(GUNICORN, environ, tmp_path / "log"):
        assert not old.exists()
        assert fresh.exists()
