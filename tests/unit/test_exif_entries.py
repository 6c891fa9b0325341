"""EXIF entries, of honest files and others."""

import struct
from datetime import datetime
from typing import Any

import pytest
from PIL import ExifTags, Image

from deepfake_detector.exif_entries import ExifEntries
from deepfake_detector.picture_segments import PictureSegments
from tests.picture_files import PILLOW_NAMES, drawn, exif_block, with_exif

MAKE, MODEL, SOFTWARE = 0x010F, 0x0110, 0x0131
TAKEN, COMMENT = 0x9003, 0x9286


def read(data: bytes) -> ExifEntries:
    return ExifEntries.read(PictureSegments.read(data))


def read_block(block: bytes) -> ExifEntries:
    return read(with_exif("PNG", block))


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_entries_that_pillow_wrote_are_read(encoding: str) -> None:
    exif = Image.Exif()
    exif[MAKE], exif[MODEL], exif[SOFTWARE] = "Canon", "Canon EOS 5D", "darktable 4.6"
    exif.get_ifd(ExifTags.IFD.Exif)[TAKEN] = "2024:05:31 17:02:59"
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({2: (52.0, 31.0, 12.0), 4: (13, 24, 36)})
    assert read(drawn(encoding, exif=exif)) == ExifEntries(
        "Canon",
        "Canon EOS 5D",
        "darktable 4.6",
        datetime(2024, 5, 31, 17, 2, 59),
        has_gps=True,
    )


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_picture_without_exif_has_no_entries(encoding: str) -> None:
    assert read(drawn(encoding)) == ExifEntries()


def test_place_without_coordinates_is_none() -> None:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.GPSInfo).update({0: b"\2\3\0\0", 29: "2024:05:31"})
    assert not read(drawn("JPEG", exif=exif)).has_gps


@pytest.mark.parametrize(
    "text",
    ["0000:00:00 00:00:00", "2024:13:01 00:00:00", "    :  :     :  :  ", "today", ""],
)
def test_time_that_is_none_is_left_out(text: str) -> None:
    assert read_block(exif_block({}, {TAKEN: text})).taken is None


@pytest.mark.parametrize(
    ("written", "comment"),
    [
        (b"UNICODE\0" + "grüße".encode("utf-16-be"), "gr\xfc\xdfe"),
        (b"UNICODE\0" + "grüße".encode("utf-16-le"), "gr\xfc\xdfe"),
        (b"UNICODE\0\xd8", "\ufffd"),
        (b"ASCII\0\0\0text\0\0", "text"),
        (b"\0" * 8 + "größe".encode(), "größe"),
        (b"\0" * 8 + b"\xff", "\xff"),
        (b"short", ""),
        (b"", ""),
    ],
)
def test_comment_is_read_in_its_code(written: bytes, comment: str) -> None:
    assert read_block(exif_block({}, {COMMENT: written})).comment == comment


def test_text_in_utf_8_is_read_though_the_standard_says_ascii() -> None:
    block = exif_block({MODEL: "Kamera Größe".encode()})
    assert read_block(block).model == "Kamera Größe"


def entry(tag: int, kind: int, count: int, value: int) -> bytes:
    return struct.pack("<HHII", tag, kind, count, value)


def directory(*entries: bytes, count: int | None = None) -> bytes:
    number = len(entries) if count is None else count
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", number)
    return head + b"".join(entries) + b"\0\0\0\0"


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "no TIFF": b"not a TIFF structure at all",
    "header alone": b"II*\0\x08\0\0\0",
    "directory beyond the end": b"II*\0\xff\xff\xff\x7f",
    "directory in the header": b"II*\0\0\0\0\0",
    "more entries than bytes": directory(count=65535),
    "text beyond the end": directory(entry(MAKE, 2, 100, 0xFFFFFFF0)),
    "endless text": directory(entry(MAKE, 2, 0xFFFFFFFF, 8)),
    "number for a text": directory(entry(MAKE, 4, 1, 7)),
    "unknown type": directory(entry(MAKE, 99, 1, 7)),
    "sub-directory that is its parent": directory(
        entry(0x8769, 4, 1, 8), entry(0x8825, 4, 1, 8)
    ),
    "sub-directory beyond the end": directory(entry(0x8769, 4, 1, 0xFFFFFF)),
    "sub-directory that is a text": directory(entry(0x8769, 2, 4, 0x41414141)),
    "sub-directory of many places": directory(entry(0x8769, 4, 9, 8)),
    "many entries on the same bytes": directory(
        *(entry(0x9000 + number, 7, 100_000, 8) for number in range(9_000))
    ),
    "too large": directory(entry(MAKE, 4, 1, 7)) + b"\0" * 1_000_000,
}


@pytest.mark.parametrize("block", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_block_has_no_entries(block: bytes) -> None:
    assert read_block(block) == ExifEntries()


def test_huge_text_is_cut_by_whoever_shows_it_and_not_refused() -> None:
    assert len(read_block(exif_block({MAKE: "x" * 900_000})).make) == 900_000


@pytest.mark.parametrize("value", [b"\xff\xfe\0", "a\0hidden"])
def test_odd_text_is_read_up_to_its_first_zero(value: Any) -> None:
    assert "\0" not in read_block(exif_block({SOFTWARE: value})).software


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_every_damaged_byte_is_survived(encoding: str) -> None:
    block = exif_block({MAKE: "Canon"}, {TAKEN: "2024:05:31 17:02:59"})
    for at in range(len(block)):
        damaged = block[:at] + bytes([block[at] ^ 0xFF]) + block[at + 1 :]
        assert isinstance(read(with_exif(encoding, damaged)).make, str)
