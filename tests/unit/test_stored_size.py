"""Width and height by the header, as Pillow reads them."""

from typing import Any

import pytest
from PIL import Image

from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.stored_size import stored_size
from tests.picture_files import (
    PNG_SIGNATURE,
    SIZE,
    drawn,
    png_chunk,
    riff_chunk,
    segment,
    webp_file,
)


@pytest.mark.parametrize(
    ("encoding", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True}),
        ("PNG", {}),
        ("WebP", {}),
        ("WebP", {"lossless": True}),
        ("WebP", {"xmp": b"<a/>"}),
        ("WebP", {"save_all": True, "append_images": [Image.new("RGB", SIZE)]}),
    ],
)
def test_size_is_read(encoding: str, options: dict[str, Any]) -> None:
    assert stored_size(PictureSegments.read(drawn(encoding, **options))) == SIZE


def test_size_is_that_before_turning() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    assert stored_size(PictureSegments.read(drawn("JPEG", exif=exif))) == SIZE


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8" + segment(0xC0, b""),
        b"\xff\xd8" + segment(0xC0, b"\x08\0\x10"),
        b"\xff\xd8" + segment(0xC4, b"\x08\0\x10\0\x10\0\x10"),
        PNG_SIGNATURE + png_chunk(b"IHDR", b""),
        PNG_SIGNATURE + png_chunk(b"IHDR", b"\0\0\0\1\0\0\0\0"),
        webp_file(riff_chunk(b"VP8 ", b"\0" * 20)),
        webp_file(riff_chunk(b"VP8L", b"\0" * 20)),
        webp_file(riff_chunk(b"VP8L", b"\x2f")),
        webp_file(riff_chunk(b"VP8X", b"\1" * 9)),
    ],
)
def test_header_that_does_not_say_is_no_size(data: bytes) -> None:
    assert stored_size(PictureSegments.read(data)) is None
