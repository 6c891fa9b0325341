"""Zips that are damaged, hostile or odd; a folder is there whole or not at all."""

import errno
import hashlib
import io
import os
import signal
import stat
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections import namedtuple
from contextlib import suppress
from pathlib import Path

import pytest

from deepfake_detector import archive_extraction
from deepfake_detector.archive_extraction import archive_sha256, extract_archive
from deepfake_detector.config import REPOSITORY
from deepfake_detector.exceptions import ArchiveError
from tests.archive_server import zip_of

MEMBERS = {
    "Dataset/Train/Real/a.jpg": b"real" * 300,
    "Dataset/Train/Fake/b c é.jpg": b"fake" * 300,
    "empty.txt": b"",
}
GOOD = zip_of(MEMBERS)

#: Where a field stands in a member's entry of the central directory (APPNOTE 4.3.12).
FLAGS, METHOD, PACKED, UNPACKED = 8, 10, 20, 24


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "set"


def extract(content: bytes, destination: Path) -> None:
    archive = destination.parent.parent / "set.zip"
    archive.write_bytes(content)
    extract_archive(archive, destination)


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def patched(content: bytes, field: int, value: int, size: int = 2) -> bytes:
    """Overwrite a number in the first entry of the central directory."""
    start = content.index(b"PK\x01\x02") + field
    number = value.to_bytes(size, "little")
    return content[:start] + number + content[start + size :]


def zip_of_kind(kind: int) -> bytes:
    """A zip whose member says that it is a link, a device or the like."""
    buffer = io.BytesIO()
    member = zipfile.ZipInfo("odd")
    member.external_attr = (kind | 0o644) << 16
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, b"/etc/passwd")
    return buffer.getvalue()


def deflated(sizes: list[int]) -> bytes:
    """A zip of zeros, which deflate shrinks a thousandfold."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for i, size in enumerate(sizes):
            archive.writestr(f"{i}.bmp", bytes(size))
    return buffer.getvalue()


def test_members_arrive_whole_and_alone(destination: Path) -> None:
    extract(GOOD, destination)
    assert files_in(destination) == MEMBERS
    assert list(destination.parent.iterdir()) == [destination]


@pytest.mark.parametrize(
    "content",
    [
        zip_of({}),
        zip_of({"a/": b"", "a/b/": b"", "a/b/c": b"x"}),
        zip_of({"./a": b"x", "..a/b..": b"x", "ab:c": b""}),
        b"#!/bin/sh\n" + zip_of({"prefixed": b"x"}),
        zip_of_kind(stat.S_IFREG),
        deflated([2**20]),
        deflated([0, 1, 2**16]),
    ],
    ids=["none", "folders", "dots", "prefix", "regular", "flat mask", "deflated"],
)
def test_odd_zip_is_unpacked(destination: Path, content: bytes) -> None:
    extract(content, destination)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        expected = {m for m in archive.namelist() if not m.endswith("/")}
    assert {name.removeprefix("./") for name in expected} == set(files_in(destination))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "expected a whole zip"),
        (b"<html>not a zip</html>", "expected a whole zip"),
        (b"\xff\xd8\xff\xe0 a picture", "expected a whole zip"),
        (GOOD[:-5], "expected a whole zip"),
        (GOOD[: len(GOOD) // 2], "expected a whole zip"),
        (GOOD[100:], "expected a whole zip"),
        (GOOD.replace(b"realreal", b"realreat", 1), "Bad CRC-32"),
        (patched(GOOD, UNPACKED, 1100, 4), "Bad CRC-32"),
        (patched(GOOD, UNPACKED, 1300, 4), "shorter than announced"),
        (zip_of({"../out.jpg": b""}), r"climbs out.*refused"),
        (zip_of({"a/../../out.jpg": b""}), "climbs out"),
        (zip_of({"a/..": b""}), "climbs out"),
        (zip_of({"/etc/out": b""}), "absolute path"),
        (zip_of({"//host/share": b""}), "absolute path"),
        (zip_of({"C:/out": b""}), "a drive"),
        (zip_of({"c:out": b""}), "a drive"),
        (zip_of({"..\\out": b""}), "backslash"),
        (zip_of({"\\\\host\\share": b""}), "backslash"),
        (zip_of({"": b""}), "empty name"),
        (zip_of({"/": b""}), "empty name"),
        (zip_of({"a\nb": b""}), r"'a\\nb' has.*control characters"),
        (zip_of({"a!b": b""}).replace(b"a!b", b"a\0b"), r"'a\\x00b' has"),
        (zip_of({"a" * 300: b""}), "File name too long"),
        (zip_of({"a" * 1100: b""}), r"longer than 1000 characters.*refused"),
        (zip_of({"a/" * 400 + "b": b""}), "more than 32 folders"),
        (zip_of({"./" * 400 + "b": b""}), "more than 32 folders"),
        (zip_of({"a/" * 32_000 + "b": b""}), "longer than 1000 characters"),
        (zip_of({".": b"x"}), "both a file and a folder"),
        (zip_of({"a": b"x", "a/b": b"x"}), "'a' is both a file and a folder"),
        (zip_of({"a": b"x", "b": b""}).replace(b"b", b"a"), "'a' comes twice"),
        (zip_of({"a": b"x", "./a": b""}), r"'\./a' comes twice"),
        (zip_of_kind(stat.S_IFLNK), "is a link or a device"),
        (zip_of_kind(stat.S_IFIFO), "is a link or a device"),
        (zip_of_kind(stat.S_IFCHR), "is a link or a device"),
        (zip_of_kind(stat.S_IFSOCK), "is a link or a device"),
        (patched(GOOD, FLAGS, 0x01), "is encrypted"),
        (patched(GOOD, FLAGS, 0x41), "is encrypted"),
        (patched(GOOD, FLAGS, 0x2000), "is encrypted"),
        (patched(GOOD, METHOD, 12), r"method 12.*zip -r"),
        (patched(GOOD, METHOD, 9), "method 9"),
        (deflated([2**21]), "more than 100 times its size"),
        (deflated([2**20, 2**20]), "unpack to 2097152; refused"),
        (patched(GOOD, UNPACKED, 2**32 - 2, 4), "more than 4000000000 bytes"),
        (patched(GOOD, PACKED, 10**6, 4), "overlap"),
    ],
)
def test_zip_is_refused_and_nothing_is_left(
    destination: Path, content: bytes, message: str
) -> None:
    with pytest.raises(ArchiveError, match=message) as caught:
        extract(content, destination)
    assert list(destination.parent.iterdir()) == []
    assert str(destination.parent.parent) not in str(caught.value)


def test_any_damaged_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    content = deflated([40, 9])
    for position in range(len(content)):
        destination = tmp_path / "data" / str(position)
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        with suppress(ArchiveError):
            extract(bytes(damaged), destination)
        assert not list(destination.parent.glob(".*"))


def test_hidden_second_name_climbs_nowhere(destination: Path) -> None:
    # A Unicode path field, which Python 3.13 reads and 3.11 does not.
    name = b"\x01" + struct.pack("<L", zlib.crc32(b"odd")) + b"../out"
    member = zipfile.ZipInfo("odd")
    member.extra = struct.pack("<HH", 0x7075, len(name)) + name
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(member, b"x")
    with suppress(ArchiveError):
        extract(buffer.getvalue(), destination)
    assert not (destination.parent / "out").exists()


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("MAX_MEMBERS", 2, "expected at most 2 members, got 3"),
        ("MAX_TOTAL_BYTES", 2399, "unpack to 2400; refused from 2399 bytes"),
        ("MAX_MEMBER_BYTES", 1199, "more than 1199 bytes"),
    ],
)
def test_limit_is_kept(
    destination: Path,
    monkeypatch: pytest.MonkeyPatch,
    limit: str,
    value: int,
    message: str,
) -> None:
    monkeypatch.setattr(archive_extraction, limit, value)
    with pytest.raises(ArchiveError, match=message):
        extract(GOOD, destination)
    monkeypatch.setattr(archive_extraction, limit, value + 1)
    extract(GOOD, destination)
    assert files_in(destination) == MEMBERS


def test_too_little_space_is_said_before_writing(
    destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(
        archive_extraction.shutil, "disk_usage", lambda _: usage(9, 0, 2400)
    )
    with pytest.raises(ArchiveError, match=r"needs 0\.00 GB.*free some space"):
        extract(GOOD, destination)
    assert list(destination.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("number", "advice"), [("ENOSPC", "free some space"), ("EACCES", "check names")]
)
def test_disk_error_says_what_to_do(
    destination: Path, monkeypatch: pytest.MonkeyPatch, number: str, advice: str
) -> None:
    def fail(*_: object) -> None:
        code = getattr(errno, number)
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(archive_extraction.shutil, "copyfileobj", fail)
    with pytest.raises(ArchiveError, match=advice):
        extract(GOOD, destination)
    assert list(destination.parent.iterdir()) == []


def test_missing_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match=r"no\.zip: cannot be unpacked"):
        extract_archive(tmp_path / "no.zip", tmp_path / "set")
    with pytest.raises(ArchiveError, match=r"no\.zip: cannot be read"):
        archive_sha256(tmp_path / "no.zip")


def test_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(GOOD)
    assert archive_sha256(tmp_path / "set.zip") == hashlib.sha256(GOOD).hexdigest()


def test_present_folder_is_left_as_it_is(destination: Path) -> None:
    extract(GOOD, destination)
    extract(b"no zip any more", destination)
    assert files_in(destination) == MEMBERS


def test_empty_folder_is_filled(destination: Path) -> None:
    destination.mkdir(parents=True)
    extract(GOOD, destination)
    assert files_in(destination) == MEMBERS


def test_file_in_the_way_is_left_alone(destination: Path) -> None:
    destination.parent.mkdir()
    destination.write_bytes(b"mine")
    with pytest.raises(ArchiveError, match="check names"):
        extract(GOOD, destination)
    assert destination.read_bytes() == b"mine"


def test_progress_bar_counts_every_byte(
    destination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = []

    class RecordedBar(archive_extraction.tqdm):
        def __init__(self, **options: object) -> None:
            super().__init__(**{**options, "disable": False})
            bars.append(self)

    monkeypatch.setattr(archive_extraction, "tqdm", RecordedBar)
    extract(GOOD, destination)
    assert (bars[0].n, bars[0].total) == (2400, 2400)


EXTRACT = (
    "import sys, time, pathlib; from deepfake_detector import archive_extraction as e;"
    "write, delay = e._write_member, float(sys.argv[3]);"
    "e._write_member = lambda *a: (write(*a), time.sleep(delay));"
    "e.extract_archive(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))"
)


def start_extraction(destination: Path, delay_s: float) -> subprocess.Popen[bytes]:
    archive = destination.parent.parent / "set.zip"
    archive.write_bytes(GOOD)
    command = [sys.executable, "-c", EXTRACT, archive, destination, str(delay_s)]
    return subprocess.Popen([str(word) for word in command], cwd=REPOSITORY)


def test_killed_run_leaves_nothing_that_is_used(destination: Path) -> None:
    process = start_extraction(destination, delay_s=60)
    deadline = time.monotonic() + 60
    while not list(destination.parent.glob(".set.partial/Dataset/*/*/*")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not destination.exists()
    extract(GOOD, destination)
    assert files_in(destination) == MEMBERS
    assert list(destination.parent.iterdir()) == [destination]


def test_unpacking_leaves_another_sets_folder_alone(destination: Path) -> None:
    neighbour = destination.with_name(".set-b.partial")
    neighbour.mkdir(parents=True)
    extract(GOOD, destination)
    assert neighbour.is_dir()


def test_two_processes_at_once_both_end_well(destination: Path) -> None:
    processes = [start_extraction(destination, delay_s=0.1) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert files_in(destination) == MEMBERS
    assert list(destination.parent.iterdir()) == [destination]
