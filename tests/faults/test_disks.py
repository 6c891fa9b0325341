"""The folder of uploads full, read-only or gone, under the real server."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.end_to_end.real_server import TIMEOUT_S, RealServer
from tests.faults.crowded import PROBLEM, files_in, log_is_calm, post, status_of
from tests.faults.fault_table import fault
from tests.faults.private_disk import PrivateDisk, private_disk

pytestmark = pytest.mark.slow

Start = Callable[..., RealServer]
Observed = Callable[[str], None]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PrivateDisk]:
    """A disk of 1 MB; the server is told to keep uploads there."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with private_disk(folder, "1m") as disk:
        yield disk


def is_told(server: RealServer, picture: bytes, reason: str, secret: Path) -> bool:
    """Whether API, page and health say in words, and calmly, that it cannot be kept."""
    problem = post(server, picture)
    page = requests.post(server.url, files={"file": picture}, timeout=TIMEOUT_S)
    health = requests.get(f"{server.url}readyz", timeout=TIMEOUT_S)
    assert problem.headers["Content-Type"] == PROBLEM
    assert page.headers["Content-Type"].startswith("text/html")
    for answer in (problem, page):
        assert answer.headers["Retry-After"] == "60"
        assert f"cannot keep an upload just now ({reason})" in answer.text
        assert str(secret) not in answer.text
    assert reason in health.json()["reason"]
    assert log_is_calm(server)
    return {problem.status_code, page.status_code, health.status_code} == {503}


@fault(
    "the disk of uploads is full",
    "503 in words to API and page, /readyz 503; all well once there is room",
)
def test_full_disk(
    start: Start, observed: Observed, disk: PrivateDisk, portrait_jpeg: bytes
) -> None:
    server = start(disk.entered, DEEPFAKE_UPLOAD_DIR=str(disk.folder))
    assert post(server, portrait_jpeg).status_code == 200
    disk.fill()
    reason = "No space left on device"
    assert is_told(server, portrait_jpeg, reason, disk.folder)
    assert files_in(disk.content) == ["filler"]
    assert status_of(server) == 200
    disk.make_room()
    assert post(server, portrait_jpeg).status_code == 200
    assert status_of(server, "readyz") == 200
    observed("503 with the reason and Retry-After, nothing left; then 200")


@fault(
    "the disk of uploads becomes read-only",
    "503 in words to API and page, /readyz 503; all well once it is writable",
)
def test_read_only_disk(
    start: Start, observed: Observed, disk: PrivateDisk, portrait_jpeg: bytes
) -> None:
    server = start(disk.entered, DEEPFAKE_UPLOAD_DIR=str(disk.folder))
    disk.remount("ro")
    assert is_told(server, portrait_jpeg, "Read-only file system", disk.folder)
    disk.remount("rw")
    assert post(server, portrait_jpeg).status_code == 200
    observed("503 with the reason and Retry-After; then 200")


@fault(
    "the folder of uploads is deleted",
    "503 in words to API and page, /readyz 503; all well once it is back",
)
def test_missing_folder(
    start: Start, observed: Observed, tmp_path: Path, portrait_jpeg: bytes
) -> None:
    uploads = tmp_path / "uploads"
    server = start()
    shutil.rmtree(uploads)
    assert is_told(server, portrait_jpeg, "No such file or directory", uploads)
    uploads.mkdir()
    assert post(server, portrait_jpeg).status_code == 200
    observed("503 with the reason and Retry-After; then 200")
