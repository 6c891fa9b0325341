import gzip
import io
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from deepfake_detector import archive_pictures as module
from deepfake_detector.archive_pictures import archive_pictures
from deepfake_detector.exceptions import (
    ArchiveError,
    ImageError,
    ImageTooLargeError,
    UnsupportedImageError,
)
from deepfake_detector.found_picture import FoundPicture
from deepfake_detector.picture_sources import PictureSources
from tests.fuzz.archive_pictures import NAME_HEADERS, chained, pax_tar, tar_of

MOST = 10**6

#: Names as they may stand in an archive; none is a path to anything.
NAMES = (
    "a.jpg",
    "deep/er/b.jpg",
    "../../climbs.jpg",
    "/absolute.jpg",
    "C:\\drive.jpg",
    "two\nlines.jpg",
    "é字.jpg",
    "x" * 300 + ".jpg",
    "a.jpg",  # twice
)


def content(number: int) -> bytes:
    return f"picture {number}".encode() * 50


def write_zip(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, name in enumerate(NAMES):
            archive.writestr(zipfile.ZipInfo(name), content(number))


def write_tar(path: Path) -> None:
    mode = "w:gz" if path.suffix in (".gz", ".tgz") else "w:"
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for number, name in enumerate(NAMES):
            member = tarfile.TarInfo(name)
            member.size = len(content(number))
            archive.addfile(member, io.BytesIO(content(number)))


KINDS: dict[str, Callable[[Path], None]] = {
    "s.zip": write_zip,
    "S.TAR": write_tar,
    "s.tar.gz": write_tar,
    "s.tgz": write_tar,
}


def found(path: Path) -> list[FoundPicture]:
    return list(archive_pictures(str(path), lambda name: name.endswith(".jpg")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", KINDS)
def test_members_are_read_in_their_order_and_nothing_is_written(
    tmp_path: Path, kind: str
) -> None:
    archive = tmp_path / kind
    KINDS[kind](archive)
    pictures = found(archive)
    assert [picture.read(MOST) for picture in pictures] == [
        content(number) for number in range(len(NAMES))
    ]
    assert [p.path for p in pictures][:3] == [f"{archive}!{name}" for name in NAMES[:3]]
    assert list(tmp_path.iterdir()) == [archive]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_archive_ends_with_a_row_that_says_so(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / kind
    KINDS[kind](archive)
    whole = archive.read_bytes()
    for length in range(0, len(whole.rstrip(b"\0")), 197):
        archive.write_bytes(whole[:length])
        *pictures, last = found(archive)
        # Of a plain tar the picture that is cut is found where it is read.
        whole_ones = pictures if kind != "S.TAR" else pictures[:-1]
        read = [picture.read(MOST) for picture in whole_ones]
        assert read == [content(number) for number in range(len(whole_ones))]
        assert not last.in_archive
        with pytest.raises(ArchiveError):
            last.read(MOST)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("kind", KINDS)
def test_no_flipped_byte_ends_a_scan(tmp_path: Path, kind: str) -> None:
    archive = tmp_path / kind
    KINDS[kind](archive)
    whole = archive.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 100)):
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        archive.write_bytes(flipped)
        for picture in found(archive):
            try:
                assert len(picture.read(MOST)) <= MOST
            except (ImageError, ArchiveError):
                continue


def test_what_is_no_archive_gets_its_row(tmp_path: Path) -> None:
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        (tmp_path / name).write_bytes(b"\xff\xd8\xff not an archive" * 100)
        (picture,) = found(tmp_path / name)
        with pytest.raises(ArchiveError, match="damaged, cut short or not what"):
            picture.read(MOST)
    (picture,) = found(tmp_path / "missing.zip")
    with pytest.raises(FileNotFoundError):
        picture.read(MOST)


def zip_member(**fields: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo("a.jpg")
    member.external_attr = 0o100644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    for name, value in fields.items():
        setattr(member, name, value)
    return member


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (zip_member(external_attr=0o120777 << 16), "a link"),
        (zip_member(external_attr=0o020666 << 16), "a device"),
        (zip_member(flag_bits=0x1), "encrypted"),
        (zip_member(compress_type=zipfile.ZIP_LZMA), "method 14"),
        (zip_member(compress_type=99), "method 99"),
    ],
)
def test_odd_members_of_a_zip_get_a_row(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    member: zipfile.ZipInfo,
    words: str,
) -> None:
    archive = tmp_path / "a.zip"
    write = zipfile.ZipFile(archive, "w")
    write.close()
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: [member])
    (picture,) = found(archive)
    assert picture.in_archive
    with pytest.raises(UnsupportedImageError, match=words):
        picture.read(MOST)


def test_overlapping_members_and_too_many_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.jpg", b"x" * 1000)
    bomb = [zip_member(compress_size=1000) for _ in range(3)]
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda self: bomb)
    (picture,) = found(archive)
    with pytest.raises(ArchiveError, match="overlap"):
        picture.read(MOST)
    monkeypatch.setattr(module, "MOST_ZIP_MEMBERS", 2)
    (picture,) = found(archive)
    with pytest.raises(ArchiveError, match="more than 2 members"):
        picture.read(MOST)


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE],
)
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_odd_members_of_a_tar_get_a_row(tmp_path: Path, name: str, kind: bytes) -> None:
    mode = "w:gz" if name.endswith("gz") else "w:"
    with tarfile.open(tmp_path / name, mode) as target:  # type: ignore[call-overload]
        member = tarfile.TarInfo("a.jpg")
        member.type, member.linkname = kind, "/etc/passwd"
        target.addfile(member)
        target.addfile(tarfile.TarInfo("b.jpg"))
    link, after = found(tmp_path / name)
    with pytest.raises(UnsupportedImageError, match="is a link"):
        link.read(MOST)
    assert after.read(MOST) == b""


def header(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("a.jpg")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.GNUTYPE_LONGNAME,
        tarfile.XHDTYPE,
        tarfile.XGLTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
)
def test_a_name_of_gigabytes_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: bytes
) -> None:
    """A compressed tar of kilobytes may hold one; reading it would fill the memory."""
    archive = tmp_path / "a.tar.gz"
    bomb = header(kind, 8 * 2**30) + bytes(2**20)
    archive.write_bytes(gzip.compress(bomb))
    read = 0
    original = tarfile._Stream.read  # type: ignore[attr-defined]

    def counting(self: object, size: int) -> bytes:
        nonlocal read
        read = max(read, size)
        return bytes(original(self, size))

    monkeypatch.setattr("tarfile._Stream.read", counting)
    (picture,) = found(archive)
    assert read <= 2**20
    with pytest.raises(ArchiveError):
        picture.read(MOST)


def test_a_map_of_holes_is_not_read(tmp_path: Path) -> None:
    archive = tmp_path / "a.tar"
    with tarfile.open(archive, "w:", format=tarfile.PAX_FORMAT) as target:
        member = tarfile.TarInfo("a.jpg")
        member.size = 512
        member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
        target.addfile(member, io.BytesIO(b"99999999\n" * 57))
    (picture,) = found(archive)
    with pytest.raises(ArchiveError):
        picture.read(MOST)


def test_a_large_picture_of_a_compressed_tar_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_HELD_BYTES", 100)
    write_tar(tmp_path / "a.tar.gz")
    pictures = found(tmp_path / "a.tar.gz")
    assert sum(picture.held_bytes for picture in pictures) == 0
    with pytest.raises(ImageTooLargeError):
        pictures[0].read(MOST)


def test_a_zip_of_lies_about_sizes_is_noticed(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a.jpg", content(0))
    data = bytearray(archive.read_bytes())
    # The size in the directory, 24 bytes after its signature.
    struct.pack_into("<L", data, data.index(b"PK\x01\x02") + 24, 5)
    archive.write_bytes(data)
    (picture,) = found(archive)
    with pytest.raises(ImageError):
        picture.read(MOST)


@pytest.mark.parametrize("kind", NAME_HEADERS)
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_name_in_front_of_a_name_without_end_is_damage(
    tmp_path: Path, name: str, kind: bytes
) -> None:
    """`tarfile` calls itself for each of them."""
    archive = tmp_path / name
    data = chained(kind, 2000)
    archive.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    (picture,) = found(archive)
    with pytest.raises(ArchiveError, match="damaged"):
        picture.read(MOST)
    assert PictureSources([str(archive)]).count() == (1 if name == "a.tar" else None)


@pytest.mark.parametrize("size", [-1, -512, -1024, -(2**62)])
@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_a_size_below_nothing_ends_a_tar(tmp_path: Path, name: str, size: int) -> None:
    """CVE-2025-8194: `tarfile` would go back, and meet the same member for ever."""
    archive = tmp_path / name
    data = tar_of(3, size)
    archive.write_bytes(gzip.compress(data) if name.endswith("gz") else data)
    pictures = archive_pictures(str(archive), lambda name: True)
    first, last = (next(pictures) for _ in range(2))
    assert (first.read(MOST), next(pictures, None)) == (bytes(3), None)
    with pytest.raises(ArchiveError, match="damaged"):
        last.read(MOST)


@pytest.mark.parametrize("fact", ["size", "GNU.sparse.size", "GNU.sparse.realsize"])
def test_nor_is_the_whole_tar_a_picture_for_it(tmp_path: Path, fact: str) -> None:
    (tmp_path / "a.tar").write_bytes(pax_tar({fact: "-512"}))
    *_, last = found(tmp_path / "a.tar")
    with pytest.raises(ArchiveError, match="damaged"):
        last.read(MOST)


@pytest.mark.parametrize("name", ["a.zip", "a.tar", "a.tar.gz", "a.tgz"])
def test_a_pipe_that_is_named_like_an_archive_is_not_waited_for(
    tmp_path: Path, name: str
) -> None:
    os.mkfifo(tmp_path / name)
    (picture,) = found(tmp_path / name)
    with pytest.raises(UnsupportedImageError, match="a pipe"):
        picture.read(MOST)


@pytest.mark.parametrize(
    ("limit", "value"), [("_MOST_DIRECTORY_BYTES", 40), ("MOST_ZIP_MEMBERS", 0)]
)
def test_a_large_directory_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int
) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("a.jpg", b"x")
    monkeypatch.setattr(module, limit, value)
    # Whoever opened it would find nothing to open.
    monkeypatch.setattr(zipfile, "ZipFile", None)
    (picture,) = found(archive)
    with pytest.raises(ArchiveError, match="more than .* members, or names as long"):
        picture.read(MOST)


@pytest.mark.parametrize("size", [2**50, 2**80])
@pytest.mark.parametrize("name", ["a.txt", "a.jpg"])
def test_a_compressed_tar_ends_whatever_its_last_member_claims(
    tmp_path: Path, name: str, size: int
) -> None:
    """`tarfile` would go on behind its end, 10 kB a step."""
    member = tarfile.TarInfo(name)
    member.size = size
    data = tar_of(3)[:1024] + member.tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(data))
    first, *refused, last = found(tmp_path / "a.tar.gz")
    assert first.read(MOST) == bytes(3)
    for picture in refused:
        with pytest.raises(ImageTooLargeError):
            picture.read(MOST)
    with pytest.raises(ArchiveError, match="damaged"):
        last.read(MOST)


@pytest.mark.parametrize(
    "header",
    [
        b"\x1f\x8b\x08\x04\0\xfd\xff\0\0",  # found by fuzzing
        b"\x1f\x8b\x08\x08" + bytes(6),
        b"\x1f\x8b",
    ],
)
def test_a_gzip_header_that_ends_too_soon_gets_a_row(
    tmp_path: Path, header: bytes
) -> None:
    (tmp_path / "a.tar.gz").write_bytes(header)
    (row,) = found(tmp_path / "a.tar.gz")
    with pytest.raises(ArchiveError, match="damaged, cut short or not what"):
        row.read(1000)
