"""Downloads from a server that misbehaves; the unit tests of them have more."""

import gzip
import hashlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deepfake_detector.archive_download import download_archive
from deepfake_detector.download_session import DownloadPolicy
from deepfake_detector.exceptions import DownloadError
from tests.archive_server import ArchiveServer, Fault, zip_of
from tests.faults.fault_table import fault
from tests.faults.private_disk import private_disk

Observed = Callable[[str], None]

NOISE = random.Random(0).randbytes(200_000)
CONTENT = zip_of({"Train/Real/a.jpg": NOISE})
OTHER = zip_of({"Train/Real/b.jpg": NOISE[::-1]})
SHA256 = hashlib.sha256(CONTENT).hexdigest()
POLICY = DownloadPolicy(read_timeout_s=0.3, retries=1, resumes=2, backoff_s=0.0)
ONCE = DownloadPolicy(read_timeout_s=0.3, retries=0, resumes=0, backoff_s=0.0)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ArchiveServer(CONTENT) as running:
        yield running


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "set.zip"


def fetch(
    server: ArchiveServer,
    destination: Path,
    sha256: str | None = None,
    policy: DownloadPolicy = POLICY,
) -> None:
    download_archive(server.url(), destination, policy=policy, expected_sha256=sha256)


def is_alone(destination: Path) -> bool:
    """Whether nothing but the archive is left in its folder."""
    return list(destination.parent.iterdir()) == [destination]


@fault(
    "a download server that stalls in the middle",
    "it is given up after the read timeout; the next call goes on where it stopped",
)
def test_stall(server: ArchiveServer, destination: Path, observed: Observed) -> None:
    server.faults.append(Fault(stall_after=70_000))
    with pytest.raises(DownloadError, match="stalled: no byte came"):
        fetch(server, destination, policy=ONCE)
    server.released.set()
    assert not destination.exists()
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges[-1] is not None
    assert is_alone(destination)
    observed("one line, 'stalled'; then whole, without the bytes that were there")


@fault(
    "a download server that announces more bytes than it sends",
    "resumed, then given up; never taken for whole",
)
def test_length_too_large(
    server: ArchiveServer, destination: Path, observed: Observed
) -> None:
    too_much = {"Content-Length": str(len(CONTENT) + 5000)}
    server.faults.extend([Fault(headers=too_much, cut_after=len(CONTENT))] * 3)
    with pytest.raises(DownloadError):
        fetch(server, destination)
    assert not destination.exists()
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    observed("refused in one line; whole from the next call")


@fault(
    "a download server that announces fewer bytes than the file has",
    "what comes is no whole zip, or has another hash: refused, and nothing left",
)
def test_length_too_small(
    server: ArchiveServer, destination: Path, observed: Observed
) -> None:
    too_few = {"Content-Length": "150000", "x-goog-hash": None}
    server.faults.extend([Fault(headers=too_few)] * 9)
    with pytest.raises(DownloadError):
        fetch(server, destination, SHA256)
    assert not destination.exists()
    server.faults.clear()
    fetch(server, destination, SHA256)
    assert destination.read_bytes() == CONTENT
    observed("refused in one line; whole from the next call")


@fault(
    "the file on the download server changes between two parts of it",
    "the new file, whole: never a mixture",
)
@pytest.mark.parametrize("honours_if_range", [True, False])
def test_file_changes(
    server: ArchiveServer,
    destination: Path,
    observed: Observed,
    honours_if_range: bool,
) -> None:
    server.faults.append(Fault(cut_after=100_000))
    with pytest.raises(DownloadError, match="cut"):
        fetch(server, destination, policy=ONCE)
    server.content, server.etag = OTHER, '"v2"'
    server.honours_if_range = honours_if_range
    fetch(server, destination)
    assert destination.read_bytes() == OTHER
    assert is_alone(destination)
    observed("the new file, byte for byte")


@fault(
    "a download server that sends the archive as Content-Encoding: gzip, also a rest",
    "unpacked on the way; a compressed rest is not put behind plain bytes",
)
def test_gzip(server: ArchiveServer, destination: Path, observed: Observed) -> None:
    packed = {"Content-Encoding": "gzip"}
    server.faults.append(Fault(cut_after=100_000))
    server.faults.append(Fault(headers=packed, body=gzip.compress(CONTENT[100_000:])))
    server.faults.append(Fault(headers=packed, body=gzip.compress(CONTENT), whole=True))
    fetch(server, destination, SHA256)
    assert destination.read_bytes() == CONTENT
    assert is_alone(destination)
    observed("the archive, byte for byte")


@fault(
    "the disk fills up during a download",
    "one line that says so; what came is kept; goes on once there is room",
)
@pytest.mark.slow
def test_full_disk(server: ArchiveServer, tmp_path: Path, observed: Observed) -> None:
    with private_disk(tmp_path, "128k") as disk:
        # The folder as another sees it: this process may write there, too.
        destination = disk.content / "set.zip"
        server.faults.extend([Fault(headers={"Content-Length": None})] * 9)
        with pytest.raises(DownloadError, match="disk") as raised:
            fetch(server, destination)
        assert str(tmp_path) not in str(raised.value)
        assert not destination.exists()
        server.faults.clear()
        disk.remount("rw,size=2m")
        fetch(server, destination)
        assert destination.read_bytes() == CONTENT
    observed("one line, 'the disk filled up'; then whole")
