"""Honest files pass; files of more parts than any honest one do not."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from deepfake_detector.decoding_cost import (
    MOST_FILLING,
    MOST_PACKED,
    MOST_SCANS,
    MOST_SEGMENTS,
    costs_too_much,
)
from deepfake_detector.picture_segments import MOST_STEPS
from tests.hostile_pictures.jpeg_files import with_scans
from tests.picture_files import (
    drawn,
    png_chunk,
    riff_chunk,
    segment,
    webp_file,
    with_parts,
)

Make = Callable[[int], bytes]


def filled(number: int) -> bytes:
    picture = drawn("JPEG")
    return picture[:2] + b"\xff" * number + picture[2:]


#: What is counted: a file with so many, and the most that pass.
LIMITS: dict[str, tuple[Make, int]] = {
    "scans": (lambda n: with_scans(n - 10), MOST_SCANS),
    "fillings": (filled, MOST_FILLING),
    "bytes between": (
        lambda n: drawn("JPEG")[:20] + bytes(n) + drawn("JPEG")[20:],
        MOST_FILLING,
    ),
    "packed texts": (
        lambda n: with_parts("PNG", *[png_chunk(b"zTXt", b"a\0\0")] * n),
        MOST_PACKED,
    ),
    "packed profiles": (
        lambda n: with_parts("PNG", *[png_chunk(b"iCCP", b"a\0\0")] * n),
        MOST_PACKED,
    ),
    "international texts": (
        lambda n: with_parts("PNG", *[png_chunk(b"iTXt", b"a\0\1\0")] * n),
        MOST_PACKED,
    ),
    "chunks": (
        lambda n: with_parts("PNG", *[png_chunk(b"abCd", b"")] * (n - 3)),
        MOST_STEPS - 1,
    ),
}


@pytest.mark.parametrize("name", LIMITS)
def test_limit_passes_and_one_more_does_not(name: str) -> None:
    make, most = LIMITS[name]
    assert not costs_too_much(make(most))
    assert costs_too_much(make(most + 1))


@pytest.mark.parametrize("marker", [0xE1, 0xEF, 0xFE, 0xDB, 0xC4])
def test_segments_of_any_kind_are_counted(marker: int) -> None:
    few, many = (
        with_parts("JPEG", *[segment(marker, b"\xff\xd8" * 9)] * number)
        for number in (MOST_SEGMENTS - 20, MOST_SEGMENTS + 1)
    )
    assert not costs_too_much(few)
    assert costs_too_much(many)


@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8" * 30_000, b"\xff\xda" * 30_000, b"\xff" * 60_000],
    ids=["starts", "scans", "fillings"],
)
def test_what_a_segment_holds_is_not_counted(content: bytes) -> None:
    assert not costs_too_much(with_parts("JPEG", *[segment(0xE2, content)] * 20))


def test_what_stands_behind_the_picture_is_not_counted() -> None:
    assert not costs_too_much(drawn("JPEG") * 10_000)
    assert not costs_too_much(drawn("JPEG") + b"\xff" * 100_000)


def test_ends_that_only_one_of_the_decoders_steps_over_hide_nothing() -> None:
    """Pillow reads on behind an end of image in front of the first scan."""
    costly = with_parts("JPEG", *[segment(0xFE, b"")] * (MOST_SEGMENTS + 1))
    assert costs_too_much(costly[:2] + b"\xff\xd9\xff\xd8" + costly[2:])
    assert costs_too_much(b"\xff\xd8" + b"\xff\xd9" * (MOST_SEGMENTS + 1))


@pytest.mark.parametrize("length", [0, 1, 2])
def test_lengths_that_count_less_than_themselves_lead_on(length: int) -> None:
    parts = (b"\xff\xe1" + length.to_bytes(2, "big")) * (MOST_SEGMENTS + 1)
    assert costs_too_much(b"\xff\xd8" + parts + drawn("JPEG")[2:])


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_large_noisy_picture_passes(file_format: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (400, 500, 3), dtype=np.uint8)
    for options in ({}, {"progressive": True}, {"restart_marker_blocks": 1}):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, file_format, **options)
        assert not costs_too_much(file.getvalue())


def test_webp_is_left_to_its_own_library() -> None:
    assert not costs_too_much(
        webp_file(drawn("WebP")[12:] + riff_chunk(b"abcd", b"") * 60_000)
    )


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"]
)
def test_stubs_cost_nothing(data: bytes) -> None:
    assert not costs_too_much(data)


def test_no_picture_of_the_archives_is_refused(shared_data: Path) -> None:
    counted = 0
    for path in sorted(shared_data.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith((".jpg", ".png"))]
            for name in names[:: max(1, len(names) // 300)]:
                assert not costs_too_much(archive.read(name))
                counted += 1
    assert counted > 300


@pytest.mark.parametrize(("scans", "too_much"), [(24, False), (25, True)])
def test_a_large_picture_may_have_fewer_scans(scans: int, too_much: bool) -> None:
    side = 7071  # 50 megapixels
    data = bytearray(with_scans(scans - 10))
    frame = data.index(b"\xff\xc2") + 5
    data[frame : frame + 4] = side.to_bytes(2, "big") * 2
    assert costs_too_much(bytes(data)) is too_much
