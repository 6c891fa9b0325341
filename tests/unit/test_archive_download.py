"""Downloads against a real local server: cut, killed, lied to; the bytes are right."""

import errno
import gzip
import hashlib
import json
import os
import random
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from deepfake_detector import archive_download, part_file
from deepfake_detector.archive_download import download_archive, kaggle_credentials
from deepfake_detector.config import REPOSITORY
from deepfake_detector.download_session import DownloadPolicy
from deepfake_detector.exceptions import ConfigError, DownloadError
from tests.archive_server import ArchiveServer, Fault, zip_of

NOISE = random.Random(0).randbytes(200_000)
CONTENT = zip_of({"Train/Real/a.jpg": NOISE})
OTHER = zip_of({"Train/Real/b.jpg": NOISE[::-1]})
SMALL = zip_of({"a": b"few"})
SHA256 = hashlib.sha256(CONTENT).hexdigest()

#: Waits for nothing, and gives up on a body that is cut for the third time.
EAGER = DownloadPolicy(read_timeout_s=20.0, retries=1, resumes=2, backoff_s=0.0)
ONCE = DownloadPolicy(read_timeout_s=20.0, retries=0, resumes=0, backoff_s=0.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def server() -> Iterator[ArchiveServer]:
    with ArchiveServer(CONTENT) as running:
        yield running


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "set.zip"


def fetch(server: ArchiveServer, destination: Path, **options: object) -> None:
    download_archive(server.url(), destination, **{"policy": EAGER, **options})


def sidecar_of(destination: Path) -> Path:
    return destination.with_name("set.zip.part.json")


def leave_part(server: ArchiveServer, destination: Path, size: int) -> None:
    """Leave what a process leaves that is killed when `size` bytes are on the disk."""
    destination.parent.mkdir()
    md5 = hashlib.md5(server.content, usedforsecurity=False).hexdigest()
    part = part_file.PartFile(destination)
    part.begin(part_file.PartRecord(server.url(), '"v1"', len(server.content), md5))
    part.path.write_bytes(server.content[:size])


def test_archive_arrives_whole_and_alone(
    server: ArchiveServer, destination: Path
) -> None:
    fetch(server, destination, expected_sha256=SHA256.upper())
    assert destination.read_bytes() == CONTENT
    assert list(destination.parent.iterdir()) == [destination]
    assert server.requests[0]["Accept-Encoding"] == "identity"


def test_present_archive_is_not_asked_for_again(
    server: ArchiveServer, destination: Path
) -> None:
    fetch(server, destination)
    fetch(server, destination, expected_sha256=SHA256)
    assert len(server.requests) == 1


def test_present_archive_with_another_hash_is_replaced(
    server: ArchiveServer, destination: Path
) -> None:
    destination.parent.mkdir()
    destination.write_bytes(OTHER)
    fetch(server, destination, expected_sha256=SHA256)
    assert destination.read_bytes() == CONTENT


def test_progress_bar_counts_every_byte(
    server: ArchiveServer, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = []

    class RecordedBar(part_file.tqdm):
        def __init__(self, **options: object) -> None:
            super().__init__(**{**options, "disable": False})
            bars.append(self)

    monkeypatch.setattr(part_file, "tqdm", RecordedBar)
    leave_part(server, destination, 70_000)
    fetch(server, destination)
    assert (bars[-1].initial, bars[-1].n, bars[-1].total) == (
        70_000,
        len(CONTENT),
        len(CONTENT),
    )


# --- Cut, killed and gone on with ---------------------------------------------------


def test_cut_body_is_gone_on_with(server: ArchiveServer, destination: Path) -> None:
    server.faults.extend([Fault(cut_after=70_000), Fault(cut_after=70_000)])
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=65536-", "bytes=131072-"]
    assert server.requests[1]["If-Range"] == '"v1"'


def test_cuts_without_end_are_given_up(
    server: ArchiveServer, destination: Path
) -> None:
    server.faults.extend([Fault(cut_after=10)] * 9)
    with pytest.raises(DownloadError, match=r"broke off 3 times.*run the same command"):
        fetch(server, destination)
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    "cut", [0, 1, 3, 4, 65_535, 65_536, 65_537, 131_072, 199_999, len(CONTENT) - 1]
)
def test_call_after_a_cut_finishes(
    server: ArchiveServer, destination: Path, cut: int
) -> None:
    server.faults.append(Fault(cut_after=cut))
    with pytest.raises(DownloadError, match="cut"):
        fetch(server, destination, policy=ONCE)
    assert not destination.exists()
    fetch(server, destination, policy=ONCE)
    assert destination.read_bytes() == CONTENT


def test_killed_at_any_byte_finishes(tmp_path: Path) -> None:
    with ArchiveServer(SMALL) as server:
        for size in range(len(SMALL) + 1):
            destination = tmp_path / str(size) / "set.zip"
            leave_part(server, destination, size)
            fetch(server, destination, policy=ONCE)
            assert destination.read_bytes() == SMALL
            assert server.ranges[-1] == (f"bytes={size}-" if size >= 4 else None)


def test_killed_process_leaves_what_the_next_goes_on_with(
    server: ArchiveServer, destination: Path
) -> None:
    server.faults.append(Fault(stall_after=150_000))
    code = (
        "import sys, pathlib; from deepfake_detector.archive_download import *;"
        "download_archive(sys.argv[1], pathlib.Path(sys.argv[2]))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, server.url(), str(destination)], cwd=REPOSITORY
    )
    part = destination.with_name("set.zip.part")
    deadline = time.monotonic() + 60
    while not (part.exists() and part.stat().st_size >= 131_072):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=131072-"]
    assert list(destination.parent.iterdir()) == [destination]


def test_whole_part_is_finished_without_its_bytes(
    server: ArchiveServer, destination: Path
) -> None:
    leave_part(server, destination, len(CONTENT))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT)}-"]


@pytest.mark.parametrize(
    ("fault", "content", "etag"),
    [
        (Fault(), OTHER, '"v2"'),
        (Fault(), OTHER, None),
        (Fault(whole=True), CONTENT, '"v1"'),
        (Fault(headers={"Content-Range": None}), CONTENT, '"v1"'),
        (Fault(headers={"Content-Range": "bytes 0-9/10"}), CONTENT, '"v1"'),
        (Fault(headers={"Content-Range": "junk"}), CONTENT, '"v1"'),
        (Fault(headers={"ETag": '"v3"'}), CONTENT, '"v1"'),
        (Fault(headers={"Content-Encoding": "gzip"}), CONTENT, '"v1"'),
        (Fault(body=NOISE), CONTENT, '"v1"'),
        (Fault(body=NOISE[:1000]), CONTENT, '"v1"'),
        (Fault(body=b""), CONTENT, '"v1"'),
        (Fault(), SMALL, '"v1"'),
        (Fault(status=416), CONTENT, '"v1"'),
        (
            Fault(status=416, headers={"Content-Range": "bytes */100000"}),
            CONTENT,
            '"v1"',
        ),
    ],
    ids=[
        "changed file",
        "etag gone",
        "range ignored",
        "no content-range",
        "wrong start and total",
        "junk content-range",
        "etag of another file",
        "compressed rest",
        "too much of the wrong rest",
        "only a wrong part of the rest",
        "nothing of the rest",
        "shrunk, 416",
        "416 for nothing",
        "416 with a lie",
    ],
)
@pytest.mark.parametrize("honours_if_range", [True, False])
def test_answer_to_a_resume_never_spoils_the_file(
    server: ArchiveServer,
    destination: Path,
    fault: Fault,
    content: bytes,
    etag: str | None,
    honours_if_range: bool,
) -> None:
    leave_part(server, destination, 100_000)
    server.content, server.etag = content, etag
    server.honours_if_range = honours_if_range
    server.faults.append(fault)
    fetch(server, destination)
    assert destination.read_bytes() == content


@pytest.mark.parametrize("etag", [None, 'W/"weak"', "unquoted"])
def test_without_a_strong_etag_a_cut_starts_over(
    server: ArchiveServer, destination: Path, etag: str | None
) -> None:
    server.etag = etag
    server.faults.append(Fault(cut_after=140_000))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges == [None, None]


def test_error_page_during_a_resume_keeps_what_came(
    server: ArchiveServer, destination: Path
) -> None:
    leave_part(server, destination, 100_000)
    server.faults.append(Fault(whole=True, body=b"<html>sign in</html>"))
    with pytest.raises(DownloadError, match="expected a zip"):
        fetch(server, destination)
    fetch(server, destination)
    assert server.ranges[-1] == "bytes=100000-"


SOUND = {"url": "", "etag": '"v1"', "length": len(CONTENT), "md5": None}


@pytest.mark.parametrize(
    "sidecar",
    [
        "",
        "{",
        "null",
        "[]",
        "[" * 100_000,
        "\udcff",
        json.dumps({}),
        json.dumps(SOUND | {"extra": 1}),
        json.dumps(SOUND | {"url": "http://elsewhere/x.zip"}),
        json.dumps(SOUND | {"url": None}),
        json.dumps(SOUND | {"etag": None}),
        json.dumps(SOUND | {"etag": 7}),
        json.dumps(SOUND | {"etag": '"v1"\r\nX: y'}),
        json.dumps(SOUND | {"etag": '"v0"'}),
        json.dumps(SOUND | {"length": -1}),
        json.dumps(SOUND | {"length": "9"}),
        json.dumps(SOUND | {"length": len(CONTENT) + 1}),
        json.dumps(SOUND | {"length": 5}),
        json.dumps(SOUND | {"md5": "0" * 32}),
        json.dumps(SOUND | {"md5": 3}),
        json.dumps(SOUND | {"md5": "junk"}),
    ],
)
def test_foreign_sidecar_means_starting_over(
    server: ArchiveServer, destination: Path, sidecar: str
) -> None:
    leave_part(server, destination, 100_000)
    text = sidecar.replace('"url": ""', f'"url": "{server.url()}"')
    sidecar_of(destination).write_bytes(text.encode(errors="surrogateescape"))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize("beginning", [NOISE[:9000], SMALL + NOISE[:9000], b""])
def test_foreign_part_means_starting_over(
    server: ArchiveServer, destination: Path, beginning: bytes
) -> None:
    leave_part(server, destination, 9)
    destination.with_name("set.zip.part").write_bytes(beginning)
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


def test_two_at_once_download_once(server: ArchiveServer, destination: Path) -> None:
    threads = [
        threading.Thread(target=fetch, args=(server, destination), daemon=True)
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert destination.read_bytes() == CONTENT
    assert len(server.requests) == 1


# --- What is not taken for the archive ----------------------------------------------


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (
            Fault(body=b"<html></html>", headers={"Content-Type": "text/html"}),
            "sign-in",
        ),
        (Fault(headers={"Content-Type": "Text/HTML; charset=utf-8"}), "expected a zip"),
        (
            Fault(body=b'{"code": 429}', headers={"Content-Type": None}),
            "expected a zip",
        ),
        (Fault(headers={"Content-Type": "application/json"}), "expected a zip"),
        (Fault(body=gzip.compress(CONTENT)), "expected a zip"),
        (Fault(body=b""), "expected a zip"),
        (Fault(body=b"PK"), "expected a zip"),
        (Fault(body=OTHER), "wrong content: expected md5"),
        (Fault(body=OTHER, headers={"x-goog-hash": None}), "expected sha256"),
        (Fault(headers={"x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="}), "md5 0000"),
        (Fault(status=401), r"HTTP 401.*KAGGLE_USERNAME and KAGGLE_KEY.*kaggle\.json"),
        (Fault(status=403), r"HTTP 403.*KAGGLE_USERNAME and KAGGLE_KEY.*terms"),
        (Fault(status=404), "HTTP 404: there is no such file"),
        (Fault(status=206), "HTTP 206: expected 200"),
        (Fault(status=302, headers={"Location": "/round"}), "circle"),
        (Fault(status=302, headers={"Location": "ftp://127.0.0.1/"}), "InvalidSchema"),
        (Fault(status=429), "HTTP 429: the server is busy"),
        (Fault(status=503), "HTTP 503: the server is busy"),
    ],
)
def test_answer_is_refused(
    server: ArchiveServer, destination: Path, fault: Fault, message: str
) -> None:
    server.faults.extend([fault] * 40)
    with pytest.raises(DownloadError, match=message):
        fetch(server, destination, expected_sha256=SHA256)
    assert list(destination.parent.iterdir()) == []


def test_zip_without_its_end_is_refused(
    server: ArchiveServer, destination: Path
) -> None:
    server.content = CONTENT[:-30]
    with pytest.raises(DownloadError, match="expected a whole zip"):
        fetch(server, destination)
    assert list(destination.parent.iterdir()) == []


def test_passing_trouble_is_waited_out(
    server: ArchiveServer, destination: Path
) -> None:
    server.faults.append(Fault(status=503, headers={"Retry-After": "0"}))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "broken_hash", ["md5=!", "md5", "md5=AAAA", "crc32c=AAAAAA==", ","]
)
def test_unreadable_stated_hash_is_ignored(
    server: ArchiveServer, destination: Path, broken_hash: str
) -> None:
    server.faults.append(Fault(headers={"x-goog-hash": broken_hash}))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


def test_body_compressed_on_the_way_is_unpacked(
    server: ArchiveServer, destination: Path
) -> None:
    server.faults.append(
        Fault(body=gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"})
    )
    fetch(server, destination, expected_sha256=SHA256)
    assert destination.read_bytes() == CONTENT


def test_body_of_unknown_length_is_whole_only_with_its_end(
    server: ArchiveServer, destination: Path
) -> None:
    unannounced = {"Content-Length": None, "x-goog-hash": None}
    server.faults.append(Fault(headers=unannounced, body=CONTENT[:150_000]))
    server.faults.append(Fault(headers=unannounced, whole=True))
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize("stall_after", [0, 70_000])
def test_stall_is_noticed(
    server: ArchiveServer, destination: Path, stall_after: int
) -> None:
    server.faults.append(Fault(stall_after=stall_after))
    policy = DownloadPolicy(read_timeout_s=0.2, retries=0, resumes=0, backoff_s=0.0)
    with pytest.raises(DownloadError, match=r"stalled: no byte came for 0\.2 s"):
        fetch(server, destination, policy=policy)


def test_silent_server_is_noticed(destination: Path) -> None:
    policy = DownloadPolicy(read_timeout_s=0.1, retries=1, backoff_s=0.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/set.zip"
        with pytest.raises(DownloadError, match=r"stalled: no answer for 0\.1 s"):
            download_archive(url, destination, policy=policy)


def test_nobody_listening_is_said(destination: Path) -> None:
    with ArchiveServer(CONTENT) as server:
        url = server.url()
    with pytest.raises(DownloadError, match=r"cannot reach 127\.0\.0\.1.*--archive"):
        download_archive(url, destination, policy=ONCE)


def test_too_little_space_is_said_before_writing(
    server: ArchiveServer, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(part_file.shutil, "disk_usage", lambda _: usage(9, 0, 199_999))
    with pytest.raises(DownloadError, match=r"needs 0\.00 GB but.*free some space"):
        fetch(server, destination)
    assert destination.with_name("set.zip.part").stat().st_size == 0


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "the disk filled up"), (errno.EACCES, "check the folder's perm")],
)
def test_disk_error_is_said_without_a_path(
    server: ArchiveServer,
    destination: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    message: str,
) -> None:
    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number), str(destination))

    monkeypatch.setattr(part_file.os, "fsync", fail)
    with pytest.raises(DownloadError, match=message) as caught:
        fetch(server, destination)
    assert str(destination.parent) not in str(caught.value)


# --- Addresses and copies -----------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://127.0.0.1/set.zip", "expected http, https or file, got 'ftp'"),
        ("set.zip", "expected http, https or file, got ''"),
        ("", "expected http, https or file"),
        ("https:///set.zip", "names no host"),
        ("http://[::1/set.zip", "not a valid address"),
        ("https://name:secret@127.0.0.1/set.zip", "ends up in logs"),
        ("file://elsewhere/set.zip", "three slashes"),
        ("file:///nowhere/set.zip", "there is no file 'set.zip'"),
    ],
)
def test_unusable_address_is_refused(destination: Path, url: str, message: str) -> None:
    with pytest.raises(DownloadError, match=message) as caught:
        download_archive(url, destination)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["set.zip", "a set & more.zip"])
def test_file_address_is_copied(tmp_path: Path, destination: Path, name: str) -> None:
    source = tmp_path / name
    source.write_bytes(CONTENT)
    download_archive(source.as_uri(), destination, expected_sha256=SHA256)
    assert destination.read_bytes() == CONTENT
    assert list(destination.parent.iterdir()) == [destination]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<html></html>", "expected a whole zip"),
        (b"", "expected a whole zip"),
        (CONTENT[:-30], "expected a whole zip"),
        (OTHER, "expected sha256"),
    ],
)
def test_file_that_is_not_the_archive_is_refused(
    tmp_path: Path, destination: Path, content: bytes, message: str
) -> None:
    source = tmp_path / "source.zip"
    source.write_bytes(content)
    sha256 = SHA256 if content == OTHER else None
    with pytest.raises(DownloadError, match=message):
        download_archive(source.as_uri(), destination, expected_sha256=sha256)
    assert list(destination.parent.iterdir()) == []


# --- TLS and credentials ------------------------------------------------------------

CREDENTIALS = ("someone", "a-kéy")
BASIC = "Basic c29tZW9uZTphLWvDqXk="


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A certificate for this machine, by an authority that nobody trusts yet."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return context


@pytest.fixture
def trusted_tls(
    tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ssl.SSLContext:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "authority.pem"))
    return tls


def test_untrusted_certificate_is_refused(
    tls: ssl.SSLContext, destination: Path
) -> None:
    with (
        ArchiveServer(CONTENT, tls=tls) as server,
        pytest.raises(DownloadError, match=r"certificate of 127\.0\.0\.1 is not trus"),
    ):
        fetch(server, destination, credentials=CREDENTIALS)
    assert server.requests == []


def test_trusted_certificate_is_accepted(
    trusted_tls: ssl.SSLContext, destination: Path
) -> None:
    with ArchiveServer(CONTENT, tls=trusted_tls) as server:
        fetch(server, destination)
    assert destination.read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("encrypted", "host", "sent"),
    [
        (True, "localhost", BASIC),
        (True, "127.0.0.1", None),
        (False, "localhost", None),
    ],
)
def test_credentials_go_to_one_host_over_tls(
    trusted_tls: ssl.SSLContext,
    destination: Path,
    encrypted: bool,
    host: str,
    sent: str | None,
) -> None:
    policy = DownloadPolicy(credentials_host="localhost")
    with ArchiveServer(CONTENT, tls=trusted_tls if encrypted else None) as server:
        url = server.url(host)
        download_archive(url, destination, credentials=CREDENTIALS, policy=policy)
    assert [headers.get("Authorization") for headers in server.requests] == [sent]


def test_netrc_is_not_read(
    server: ArchiveServer, destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination.parent.mkdir()
    netrc = destination.parent / "netrc"
    netrc.write_text("default login someone password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    fetch(server, destination)
    assert "Authorization" not in server.requests[0]


@pytest.mark.parametrize(("host", "sent"), [("localhost", BASIC), ("127.0.0.1", None)])
def test_credentials_follow_no_redirect_to_another_host(
    trusted_tls: ssl.SSLContext, destination: Path, host: str, sent: str | None
) -> None:
    policy = DownloadPolicy(credentials_host="localhost")
    with ArchiveServer(CONTENT, tls=trusted_tls) as server:
        location = server.url(host, "/storage.zip")
        server.faults.append(Fault(status=302, headers={"Location": location}))
        url = server.url("localhost")
        download_archive(url, destination, credentials=CREDENTIALS, policy=policy)
    assert [headers.get("Authorization") for headers in server.requests] == [
        BASIC,
        sent,
    ]


def test_redirect_away_from_tls_is_refused(
    trusted_tls: ssl.SSLContext, server: ArchiveServer, destination: Path
) -> None:
    with ArchiveServer(CONTENT, tls=trusted_tls) as secure:
        secure.faults.append(Fault(status=302, headers={"Location": server.url()}))
        with pytest.raises(DownloadError, match="without TLS"):
            fetch(secure, destination)
    assert server.requests == []


def test_redirected_download_goes_on_after_a_cut(
    server: ArchiveServer, destination: Path
) -> None:
    redirect = Fault(status=302, headers={"Location": server.url(path="/signed")})
    server.faults.extend([redirect, Fault(cut_after=140_000), redirect])
    fetch(server, destination)
    assert destination.read_bytes() == CONTENT
    assert server.ranges == [None, None, "bytes=131072-", "bytes=131072-"]


KAGGLE_JSON = '{"username": "filed", "key": "k2"}'


@pytest.mark.parametrize(
    ("environ", "text", "expected"),
    [
        ({}, None, None),
        ({}, KAGGLE_JSON, ("filed", "k2")),
        ({"KAGGLE_USERNAME": "n", "KAGGLE_KEY": "k"}, KAGGLE_JSON, ("n", "k")),
        ({"KAGGLE_USERNAME": "", "KAGGLE_KEY": ""}, KAGGLE_JSON, ("filed", "k2")),
    ],
)
def test_credentials_are_found(
    tmp_path: Path,
    environ: dict[str, str],
    text: str | None,
    expected: tuple[str, str] | None,
) -> None:
    if text is not None:
        (tmp_path / ".kaggle").mkdir()
        (tmp_path / ".kaggle" / "kaggle.json").write_text(text)
    assert kaggle_credentials(environ, tmp_path) == expected


@pytest.mark.parametrize(
    ("environ", "text", "message"),
    [
        ({"KAGGLE_USERNAME": "n"}, KAGGLE_JSON, "only KAGGLE_USERNAME is set"),
        ({"KAGGLE_KEY": "k"}, KAGGLE_JSON, "only KAGGLE_KEY is set"),
        ({}, "", "kaggle.json: expected"),
        ({}, "[]", "kaggle.json: expected"),
        ({}, '{"username": "n"}', "kaggle.json: expected"),
        ({}, '{"username": "n", "key": 5}', "kaggle.json: expected"),
        ({}, '{"username": "", "key": "k"}', "kaggle.json: expected"),
        ({}, "\udcff", "kaggle.json: expected"),
    ],
)
def test_unusable_credentials_are_refused(
    tmp_path: Path, environ: dict[str, str], text: str, message: str
) -> None:
    file = tmp_path / ".kaggle" / "kaggle.json"
    file.parent.mkdir()
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        kaggle_credentials(environ, tmp_path)


def test_log_names_no_signed_address(
    server: ArchiveServer, destination: Path, caplog: pytest.LogCaptureFixture
) -> None:
    signed = server.url(path="/storage?signature=secret")
    server.faults.append(Fault(status=302, headers={"Location": signed}))
    with caplog.at_level("INFO", logger=archive_download.__name__):
        fetch(server, destination)
    assert "set.zip" in caplog.text
    assert "secret" not in caplog.text
