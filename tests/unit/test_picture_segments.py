"""Picture files taken apart by their lengths."""

import pytest

from deepfake_detector.picture_segments import MOST_STEPS, PictureSegments
from tests.picture_files import (
    PILLOW_NAMES,
    PNG_SIGNATURE,
    drawn,
    png_chunk,
    riff_chunk,
    segment,
    webp_file,
    with_parts,
)

SOI, EOI = b"\xff\xd8", b"\xff\xd9"


def kinds(data: bytes) -> list[str]:
    return [kind for kind, _ in PictureSegments.read(data).parts]


@pytest.mark.parametrize(
    ("encoding", "part", "kind"),
    [
        ("JPEG", segment(0xE5, b"content"), "APP5"),
        ("PNG", png_chunk(b"teSt", b"content"), "teSt"),
        ("WebP", riff_chunk(b"TEST", b"content"), "TEST"),
    ],
)
def test_a_part_is_found_by_its_name(encoding: str, part: bytes, kind: str) -> None:
    segments = PictureSegments.read(with_parts(encoding, part, part))
    assert segments.encoding == encoding
    assert [bytes(content) for content in segments.all(kind)] == [b"content"] * 2
    assert segments.first(kind, b"con") == b"tent"
    assert segments.first(kind, b"other") is None
    assert segments.first("none") is None


@pytest.mark.parametrize("encoding", PILLOW_NAMES)
def test_every_beginning_of_a_file_is_read_as_far_as_it_goes(encoding: str) -> None:
    picture = drawn(encoding)
    whole = kinds(picture)
    for length in range(len(picture)):
        found = kinds(picture[:length])
        assert found == whole[: len(found)]


@pytest.mark.parametrize(
    "data", [b"", b"GIF89a" * 20, b"\xff\xd8", b"RIFF\0\0\0\0WAVE", b"\x89PNG" * 9]
)
def test_other_files_have_no_parts(data: bytes) -> None:
    assert PictureSegments.read(data) == PictureSegments(None, ())


def test_jpeg_is_read_up_to_its_first_scan() -> None:
    scan = segment(0xDA, b"\1") + b"pixels" + segment(0xE2, b"after")
    assert kinds(SOI + segment(0xE1, b"before") + scan) == ["APP1"]
    assert kinds(SOI + segment(0xE1, b"a") + EOI + segment(0xE2, b"b")) == ["APP1"]


def test_jpeg_may_hold_fill_bytes_and_lone_markers() -> None:
    fill = b"\xff" * 5
    data = SOI + fill + segment(0xE1, b"a") + b"\xff\x01" + fill + segment(0xC2, b"b")
    assert kinds(data) == ["APP1", "SOF"]


@pytest.mark.parametrize(
    "data",
    [
        SOI + b"\xff\xe1\0\0",  # a length that does not count itself
        SOI + b"\xff\xe1\0\1",
        SOI + b"\xff\xe1\xff\xffshort",
        SOI + b"\xff\xe1\0",
        SOI + b"junk" + segment(0xE1, b"a"),
        SOI + b"\xff" * 200_000,
        PNG_SIGNATURE + b"\xff\xff\xff\xffteSt" + b"\0" * 100,
        PNG_SIGNATURE + b"\0\0\0\5teSt1234",
        PNG_SIGNATURE + b"\0",
        webp_file(b"TEST\xff\xff\xff\xffshort"),
        webp_file(b"TEST"),
        # Behind the end that the file itself announces.
        webp_file(b"") + riff_chunk(b"EXIF", b"a"),
        b"RIFF\xff\xff\xff\xffWEBP" + b"TEST\1\0\0",
    ],
)
def test_lengths_that_lie_lead_nowhere(data: bytes) -> None:
    segments = PictureSegments.read(data if len(data) > 3 else data + b"\xff")
    assert segments.encoding is not None or data[:3] == SOI + b"j"
    assert segments.parts == ()


@pytest.mark.parametrize(
    "data",
    [
        SOI + segment(0xE1, b"") * 100_000,
        PNG_SIGNATURE + png_chunk(b"tEXt", b"") * 100_000,
        webp_file(riff_chunk(b"EXIF", b"") * 100_000),
    ],
    ids=list(PILLOW_NAMES),
)
def test_no_more_than_so_many_parts_are_looked_at(data: bytes) -> None:
    assert len(PictureSegments.read(data).parts) == MOST_STEPS


def test_nothing_counts_behind_the_end_of_a_png() -> None:
    data = drawn("PNG") + png_chunk(b"caBX", b"a")
    assert "caBX" not in kinds(data)
    assert kinds(data)[-1] == "IEND"
