"""Facts of any file: never raised, short, readable, and the same when read again."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from deepfake_detector.exif_entries import ExifEntries
from deepfake_detector.generator_entries import generator_entries
from deepfake_detector.picture_segments import PictureSegments
from deepfake_detector.png_texts import png_texts
from deepfake_detector.readable_text import readable
from deepfake_detector.stored_size import stored_size
from deepfake_detector.xmp_entries import XmpEntries, source_type_term
from tests.fuzz.metadata import check
from tests.hostile_pictures.metadata_files import ENCODINGS, tiff
from tests.picture_files import (
    png_chunk,
    riff_chunk,
    segment,
    with_box,
    with_exif,
    with_parts,
    with_xmp,
    xmp_packet,
)

STARTS = (b"", b"\xff\xd8\xff\xe1", b"\x89PNG\r\n\x1a\n", b"RIFF\xff\xff\0\0WEBP")
TAGS = (0x010F, 0x0110, 0x0131, 0x0112, 0x8769, 0x8825, 0x9003, 0x9286, 2, 4)
KEYS = ("parameters", "prompt", "Software", "XML:com.adobe.xmp", "sd-metadata")

encodings = st.sampled_from(ENCODINGS)
numbers = st.integers(0, 0xFFFFFFFF) | st.integers(0, 60)
entries = st.lists(
    st.tuples(st.sampled_from(TAGS), st.integers(0, 20), numbers, numbers), max_size=6
)


@given(st.sampled_from(STARTS), st.binary(max_size=300))
def test_any_bytes(start: bytes, rest: bytes) -> None:
    check(start + rest)


@given(st.lists(st.tuples(st.integers(0xC0, 0xFE), st.binary(max_size=40)), max_size=8))
def test_any_segments(parts: list[tuple[int, bytes]]) -> None:
    check(with_parts("JPEG", *(segment(*part) for part in parts)))


@given(
    st.lists(
        st.tuples(st.binary(min_size=4, max_size=4), st.binary(max_size=40)), max_size=8
    )
)
def test_any_chunks(parts: list[tuple[bytes, bytes]]) -> None:
    check(with_parts("PNG", *(png_chunk(*part) for part in parts)))
    check(with_parts("WebP", *(riff_chunk(*part) for part in parts)))


@given(encodings, entries, numbers, st.binary(max_size=60))
def test_any_exif(
    encoding: str,
    rows: list[tuple[int, int, int, int]],
    following: int,
    rest: bytes,
) -> None:
    check(with_exif(encoding, tiff(*rows, following=following) + rest))


@given(encodings, st.text(max_size=60), st.text(max_size=60))
def test_any_xmp(encoding: str, inside: str, value: str) -> None:
    check(with_xmp(encoding, inside.encode("utf-8", "replace")))
    for attributes in (f'xmp:CreatorTool="{value}"', value):
        packet = xmp_packet(inside, attributes) if inside.isprintable() else b""
        check(with_xmp(encoding, packet))


@given(
    st.sampled_from(KEYS),
    st.binary(max_size=200),
    st.sampled_from(["tEXt", "zTXt", "iTXt"]),
)
def test_any_text(key: str, value: bytes, kind: str) -> None:
    start = {
        "tEXt": key.encode() + b"\0",
        "zTXt": key.encode() + b"\0\0",
        "iTXt": key.encode() + b"\0\1\0\0\0",
    }[kind]
    for content in (value, zlib.compress(value)):
        check(with_parts("PNG", png_chunk(kind.encode(), start + content)))


@given(encodings, st.binary(max_size=200), numbers)
def test_any_boxes(encoding: str, inside: bytes, length: int) -> None:
    head = length.to_bytes(4, "big")
    check(with_box(encoding, head + b"jumb" + inside))
    check(with_box(encoding, head + b"jumb" + head + b"jumd" + inside))


@given(st.text(max_size=400))
def test_readable_text_is_short_printable_and_final(text: str) -> None:
    shown = readable(text)
    assert shown.isprintable() and len(shown) <= 200
    assert readable(shown) == shown


@given(st.text(max_size=80))
def test_term_is_letters_or_none(text: str) -> None:
    term = source_type_term(text)
    assert term is None or (term.isascii() and term.isalpha() and len(term) <= 60)


@given(encodings, st.binary(max_size=100))
def test_each_reader_is_content_with_any_part(encoding: str, content: bytes) -> None:
    """Also with parts that come first and are nothing but these bytes."""
    parts = {
        "JPEG": [segment(0xC0 + n, content) for n in range(3)],
        "PNG": [png_chunk(b"IHDR", content), png_chunk(b"tEXt", content)],
        "WebP": [riff_chunk(b"VP8X", content), riff_chunk(b"VP8 ", content)],
    }[encoding]
    segments = PictureSegments.read(with_parts(encoding, *parts))
    size = stored_size(segments)
    assert size is None or min(size) > 0
    exif = ExifEntries.read(segments)
    assert len(generator_entries(segments, exif)) <= 20
    assert set(png_texts(segments, KEYS)) <= set(KEYS)
    assert isinstance(XmpEntries.read(segments).creator_tool, str)
