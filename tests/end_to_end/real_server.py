"""A server in a process of its own, with a stand-in network."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deepfake_detector.artifact import ModelCard, write_artifact
from deepfake_detector.config import REPOSITORY
from deepfake_detector.face_crops import CROP_RULES

GUNICORN = ("-m", "gunicorn", "inference:app")
LOCAL = ("inference.py",)
READY = re.compile(r"deepfake-detector is ready at (http://[^\s\"]+/)[\n\"]")
TIMEOUT_S = 30


@dataclass(frozen=True)
class RealServer:
    """Where it listens, its process (of gunicorn the arbiter's), and its log."""

    url: str
    pid: int
    log: Path


def stand_in_settings(folder: Path) -> dict[str, str]:
    """The environment of a server with a stand-in network and folders of its own."""
    card = ModelCard("stand-in", "none", (16, 16, 3), CROP_RULES["whole"])
    write_artifact(folder / "model", card, lambda folder: None)
    (folder / "uploads").mkdir()
    return os.environ | {
        "DEEPFAKE_BACKEND": "constant",
        "DEEPFAKE_MODEL_DIR": str(folder / "model"),
        "DEEPFAKE_UPLOAD_DIR": str(folder / "uploads"),
        "DEEPFAKE_PORT": "0",
    }


@contextmanager
def running(
    command: tuple[str, ...],
    environ: dict[str, str],
    log: Path,
    before: tuple[str, ...] = (),
) -> Iterator[RealServer]:
    """Start a server, and stop it as Ctrl-C in a terminal does.

    What stands before its command may put it elsewhere, but must become it.
    """
    # A shell that starts tests in the background lets servers be deaf to Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    with (
        log.open("w") as err,
        subprocess.Popen(
            [*before, sys.executable, *command],
            cwd=REPOSITORY,
            env=environ,
            stdout=subprocess.PIPE if "gunicorn" in command else None,
            stderr=err,
            text=True,
            start_new_session=True,
        ) as server,
    ):
        signal.signal(signal.SIGINT, handler)
        try:
            yield RealServer(_address(server.stdout, log), server.pid, log)
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
